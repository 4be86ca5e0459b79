"""`recount unpark`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import rich_click as click

from services.embedded import folder_database
from services.embedded.commands import shared_options
from services.projector.app import projections
from services.projector.projection import Projection
from services.projector.unparking import Unparked
from services.projector.unparking import unpark as unpark_one

NAMES = [projection.name for projection in projections()]


@click.command()
@click.argument("read_models", nargs=-1, type=click.Choice(NAMES), metavar="[READ_MODEL]…")
@shared_options.data_dir
@shared_options.as_json
def unpark(read_models: tuple[str, ...], data_dir: Path, as_json: bool) -> None:
    """Take up parked streams again, of all read models or some.

    A stream is parked when a projector meets a fact that it can't read, or make a row of. A newer
    Recount may. Reads and writes go on meanwhile. Exit code 1 where streams stay parked.
    """
    chosen = [each for each in projections() if each.name in (read_models or NAMES)]
    with folder_database.database(data_dir, shared_options.settings()) as url:
        done = asyncio.run(_unpark(url, chosen))
    if as_json:
        shared_options.print_json(done)
    else:
        for each in done:
            click.echo(
                f"{each.projection}: {each.taken_up} streams taken up, {len(each.parked)} parked"
            )
            for stream in each.parked:
                click.echo(f"  position {stream.position}, {stream.name}: {stream.reason}")
    if any(each.parked for each in done):
        sys.exit(1)


async def _unpark(url: str, chosen: list[Projection[Any]]) -> list[Unparked]:
    return [await unpark_one(url, projection) for projection in chosen]
