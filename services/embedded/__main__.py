"""`python -m services.embedded` is `recount`: it needs no script that names its Python."""

from services.embedded.cli import main

main()
