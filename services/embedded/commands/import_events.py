"""`recount import`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from services.common.database import Pool
from services.embedded import accounts, datadir
from services.embedded.commands import options
from services.embedded.importing.records import FIELDS, BadRecord, Mapped, Source
from services.embedded.importing.resuming import Resuming
from services.embedded.importing.sending import Imported, Sender
from services.embedded.refusal import CannotStart


class Target(msgspec.Struct, frozen=True):
    """Where the events go. folder: the data folder of that server, when it is ours."""

    url: str
    token: str
    folder: Path | None


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--project", "project_id", type=int, help="Project of the data folder's server.")
@options.data_dir
@click.option("--url", help="Another server, such as https://recount.example.")
@click.option("--token", help="Capture token (phc_…) of a project of that server.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FIELD=COLUMN",
    help=f"Where a field is found: {', '.join(FIELDS)}. Several: separate by commas, or repeat.",
)
@click.option("--event", help="Name of every event, where the file has no column for it.")
@options.as_json
def import_events(
    file: Path,
    project_id: int | None,
    data_dir: Path,
    url: str | None,
    token: str | None,
    maps: Sequence[str],
    event: str | None,
    as_json: bool,
) -> None:
    """Import product events from NDJSON or CSV (also .gz) through the server's capture door.

    Columns that no field takes become properties, unless there is a column `properties`. Safe to
    repeat: an event without a uuid gets one from project and content, so that it is stored once.
    Interrupted, the same command goes on where it was. Returns when all events can be queried.
    """
    target = _target(project_id, data_dir, url, token)
    mapped = Mapped(_names(maps), event)
    try:
        imported = _import(file, target, mapped)
    except BadRecord as bad:
        raise CannotStart(f"{file}, {bad}. The events before it are stored.") from bad
    if as_json:
        options.print_json(imported)
    else:
        click.echo(f"{imported.events:,} events imported; all of them can be queried.")


def _target(project_id: int | None, data: Path, url: str | None, token: str | None) -> Target:
    if url is not None and token is not None and project_id is None:
        return Target(url, token, None)
    if url is not None or token is not None or project_id is None:
        raise click.UsageError("Give --project ID, or --url and --token.")
    running = datadir.find(data)
    if running is None:
        raise CannotStart(
            f"No server runs on {data}. Start one (recount serve --data-dir {data}), or name one "
            "with --url and --token."
        )

    async def find(pool: Pool) -> str:
        return await accounts.capture_token(pool, project_id)

    return Target(running.url, options.with_database(data, find), data)


def _names(maps: Sequence[str]) -> dict[str, str]:
    names = {}
    for pair in (pair for text in maps for pair in text.split(",")):
        field, _, column = pair.partition("=")
        if field not in FIELDS or not column:
            raise click.BadParameter(
                f"{pair!r} is not like distinct_id=customer; fields are {', '.join(FIELDS)}",
                param_hint="--map",
            )
        names[field] = column
    return names


def _import(file: Path, target: Target, mapped: Mapped) -> Imported:
    place = None
    if target.folder is not None:
        place = Resuming(target.folder, file, target.token, mapped)
    start = 0 if place is None else place.line()
    with file.open("rb") as opened, Sender(target.url, target.token) as sender, _bar() as bar:
        source = Source(file, opened)
        task = bar.add_task(file.name, total=source.total_bytes, events=0)

        def acknowledged(events: int, line: int) -> None:
            bar.update(task, completed=source.read_bytes, events=events)
            if place is not None:
                place.reached(line)

        records = (each for each in source.records(target.token, mapped) if each.line > start)
        imported = sender.send(records, acknowledged)
        bar.update(task, description="waiting until all can be queried")
        sender.wait(imported.position)
    if place is not None:
        place.finished()
    return imported


@contextmanager
def _bar() -> Iterator[Progress]:
    """On a terminal's stderr; elsewhere nothing is drawn."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar
