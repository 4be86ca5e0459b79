"""`recount serve`."""

import sys
from pathlib import Path

import rich_click as click

from services.embedded.commands import options


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on.",
)
@options.data_dir
@click.option("--no-demo", is_flag=True, help="First start: leave the demo data set out.")
def serve(host: str, port: int, data_dir: Path, no_demo: bool) -> None:
    """Start everything and serve until Ctrl-C or SIGTERM.

    The first start makes an organization, a user, project 1 and a personal API key, imports a small
    demo data set, and prints what to try.
    """
    # Here and not above: the services and chDB take a second to import, other commands none.
    from services.embedded.serving import Serving, serve_until_stopped

    wanted = Serving(host=host, port=port, data_dir=data_dir, demo=not no_demo)
    sys.exit(serve_until_stopped(wanted, options.settings()))
