"""`recount rebuild`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from services.common.log.store import EventStore
from services.embedded import folder_database
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart
from services.projector.app import rebuildable
from services.projector.projection import Projection
from services.projector.rebuild import NothingKept, RebuildResult, RebuildUnderWay, put_back
from services.projector.rebuild import rebuild as rebuild_one

NAMES = [projection.name for projection in rebuildable()]


@click.command()
@click.argument("read_models", nargs=-1, type=click.Choice(NAMES), metavar="[READ_MODEL]…")
@click.option("--keep", is_flag=True, help="Keep the rows before, in a schema of their own.")
@click.option("--back", is_flag=True, help="Put the kept rows back, and fold in what came since.")
@shared_options.data_dir
@shared_options.as_json
def rebuild(
    read_models: tuple[str, ...], keep: bool, back: bool, data_dir: Path, as_json: bool
) -> None:
    """Fold read models again from the log, and put right what differs: all of them, or some.

    Reads and writes go on meanwhile. Says of each how many rows were not as the log tells it.
    """
    if keep and back:
        raise click.UsageError("--keep and --back exclude each other.")
    if back and not read_models:
        raise click.UsageError("--back needs the names of read models.")
    chosen = [each for each in rebuildable() if each.name in (read_models or NAMES)]
    with folder_database.database(data_dir, shared_options.settings()) as url:
        rebuilt = asyncio.run(_rebuild(url, chosen, keep=keep, back=back))
    if as_json:
        shared_options.print_json(rebuilt)
        return
    for each in rebuilt:
        click.echo(
            f"{each.projection}: at position {each.position}, {each.removed} rows removed,"
            f" {each.written} written, {each.parked} streams parked"
        )


async def _rebuild(
    url: str, chosen: list[Projection[Any]], *, keep: bool, back: bool
) -> list[RebuildResult]:
    rebuilt = []
    async with EventStore.open(url) as store:
        with Progress(
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as bar:
            for projection in chosen:
                task = bar.add_task(projection.name)

                def shown(position: int, head: int, task: Any = task) -> None:
                    bar.update(task, completed=position, total=head)

                try:
                    if back:
                        rebuilt.append(await put_back(url, store, projection))
                        continue
                    rebuilt.append(
                        await rebuild_one(url, store, projection, on_progress=shown, keep=keep)
                    )
                except NothingKept as cause:
                    raise CannotStart(f"{cause}. `recount rebuild --keep` keeps them.") from cause
                except RebuildUnderWay as cause:
                    raise CannotStart(
                        f"{projection.name} is being rebuilt by another process right now."
                    ) from cause
    return rebuilt
