"""`python -m services.embedded` is `recount`: it needs no script that names its Python."""

from services.embedded.cli import main

# Processes that prove parts of a log read this file, too, and must not begin again.
if __name__ == "__main__":
    main()
