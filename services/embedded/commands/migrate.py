"""`recount migrate`."""

from pathlib import Path

import rich_click as click

from services.embedded import folder_database
from services.embedded.commands import shared_options


@click.command()
@shared_options.data_dir
def migrate(data_dir: Path) -> None:
    """Bring the database's tables up to date.

    `recount serve` does so by itself. Services that run by themselves wait for this before they
    serve. Repeated, it does nothing.
    """
    with folder_database.database(data_dir, shared_options.settings()):
        click.echo("The tables are up to date.")
