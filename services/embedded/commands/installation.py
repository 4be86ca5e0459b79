"""`recount installation`."""

from pathlib import Path

import rich_click as click

from services.common.postgres import installation as installations
from services.embedded import datadir
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart


@click.group()
def installation() -> None:
    """What tells this installation from every other one."""


@installation.command("renew")
@shared_options.data_dir
def renew(data_dir: Path) -> None:
    """Give a restored copy that goes on by itself another name than the original has.

    Events have another `source` from then on, and checkpoints another origin. Nothing may run on it
    meanwhile; other services have to be started again.
    """
    elsewhere = shared_options.settings().postgres_url is not None
    if not elsewhere and (running := datadir.find(data_dir)) is not None:
        raise CannotStart(f"{running.url} serves {data_dir}: stop it first.")
    click.echo(shared_options.with_database(data_dir, installations.renew))
