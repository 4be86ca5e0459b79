"""`recount import`."""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from services.common.postgres.database import Pool
from services.embedded import accounts, datadir
from services.embedded.commands import shared_options
from services.embedded.importing import ending, look, texts
from services.embedded.importing.files import EventFile
from services.embedded.importing.import_options import FIELDS, ImportOptions
from services.embedded.importing.run import Import, ImportInterrupted
from services.embedded.importing.sending import Sender
from services.embedded.refusal import CannotStart

INTERRUPTED = 130
_SEPARATORS = {
    "comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "pipe": "|",
    "space": " ", "whitespace": " ",
}  # fmt: skip
# A comma ends a pair only before the next one, so that names of columns may have commas.
_PAIR = re.compile(rf"\s*({'|'.join(FIELDS)})\s*=\s*(.*)", re.DOTALL)
_NEXT_PAIR = re.compile(rf",(?=\s*(?:{'|'.join(FIELDS)})\s*=)")


class Target(msgspec.Struct, frozen=True):
    """Where the events go. folder: the data folder of that server, when it is ours.

    project: as paths name it; `@current` is the caller's.
    """

    url: str
    token: str
    folder: Path | None
    project: str


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--project",
    "project_id",
    type=int,
    help="Project of the data folder's server; needed only where there are several.",
)
@shared_options.data_dir
@click.option("--url", help="Another server, such as https://recount.example.")
@click.option("--token", help="Capture token (phc_…) of a project of that server.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FIELD=COLUMN",
    help=f"Where a field is found: {', '.join(FIELDS)}. Several: separate by commas, or repeat."
    " A column may be a path into objects (user.id) and may be in quotes.",
)
@click.option("--event", help="Name of every event, where the file has no column for it.")
@click.option("--columns", metavar="NAME,…", help="Names of the columns of a file without any.")
@click.option(
    "--separator", metavar="CHAR", help="Between columns: a character, or comma, tab, space …"
)
@click.option("--encoding", metavar="NAME", help="Of the text, such as cp1252; UTF-8 is found.")
@click.option(
    "--time-format",
    metavar="FORM",
    help="How times are written: month-first or day-first (12/1/2010), s, ms, us or ns since 1970,"
    " or a pattern such as '%d/%m/%Y %H:%M'. The common forms need none.",
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Of times that name none, such as Europe/Berlin.",
)
@click.option(
    "--missing", multiple=True, metavar="TEXT", help="A cell that stands for nothing, such as NA."
)
@click.option("--skip-bad", is_flag=True, help="Leave out rows that are no events, and count them.")
@click.option(
    "--dry-run", is_flag=True, help="Read all of the file, say what is in it, send nothing."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared_options.as_json
def import_events(
    file: Path,
    project_id: int | None,
    data_dir: Path,
    url: str | None,
    token: str | None,
    maps: Sequence[str],
    event: str | None,
    columns: str | None,
    separator: str | None,
    encoding: str | None,
    time_format: str | None,
    timezone: str,
    missing: Sequence[str],
    skip_bad: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Import product events from CSV, JSON or Parquet through the server's capture door.

    The file's format and the field of each column are found and shown first; a terminal is asked.
    Columns that no field takes become properties, unless there is a column `properties`. Safe to
    repeat: an event without a uuid gets one from project and content, so that it is stored once.
    Interrupted, the same command goes on where it was. Returns when all events can be queried.
    """
    reading = ImportOptions(
        names=_names(maps),
        event=event,
        columns=_columns(columns),
        separator=_separator(separator),
        encoding=None if encoding is None else texts.known(encoding),
        missing=frozenset(missing),
        time_format=_time_format(time_format),
        timezone=_timezone(timezone),
    )
    if dry_run:
        _read(file, reading, skip_bad=skip_bad, as_json=as_json)
        return
    target = _target(project_id, data_dir, url, token)
    with _opened(file, reading, target.token) as found:
        run = Import(found, _now(), skip_bad=skip_bad)
        click.echo(look.look(found, reading, _now(), skip_bad=skip_bad), err=as_json)
        _ask(target, yes=yes)
        run.resume(target.folder, target.token, reading)
        _send(run, target)
    if as_json:
        shared_options.print_json(run.summary())
    else:
        click.echo(ending.in_words(run.summary(), run.tally, run.before))
        click.echo(_query_line(target, run))


def _read(file: Path, reading: ImportOptions, *, skip_bad: bool, as_json: bool) -> None:
    """--dry-run."""
    with _opened(file, reading, "") as found:
        run = Import(found, _now(), skip_bad=skip_bad)
        click.echo(look.look(found, reading, _now(), skip_bad=skip_bad), err=as_json)
        run.read_all()
    if as_json:
        shared_options.print_json(run.summary())
    else:
        click.echo(ending.without_sending(run.summary(), run.tally))


@contextmanager
def _opened(path: Path, reading: ImportOptions, token: str) -> Iterator[EventFile]:
    """Raises ImportInterrupted for a Ctrl-C before anything was sent."""
    try:
        with path.open("rb") as file:
            yield EventFile(path, file, reading, token)
    except (KeyboardInterrupt, click.Abort) as stopped:
        raise ImportInterrupted("Interrupted; nothing was imported.") from stopped


def _now() -> int:
    return time.time_ns() // 1000


def _query_line(target: Target, run: Import) -> str:
    """KEY is an API key: the one that made the data folder is not kept anywhere."""
    key = "of that project" if target.folder is None else "`recount keys create` makes one"
    line = ending.curl(target.url, target.project, run.tally)
    return f"A funnel of them, with an API key in KEY ({key}):\n{line}"


def _ask(target: Target, *, yes: bool) -> None:
    """Only on a terminal, where the question can be seen and answered."""
    if yes or not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return
    if not click.confirm(f"Import into project {target.project} of {target.url}?", default=True):
        raise CannotStart("Nothing was imported.")


def _send(run: Import, target: Target) -> None:
    with Sender(target.url, target.token) as sender, _bar() as bar:
        source = run.file.source
        task = bar.add_task(source.path.name, total=source.total_bytes, events=0)
        run.send(
            sender,
            lambda events: bar.update(task, completed=source.read_bytes, events=events),
            lambda: bar.update(task, description="waiting until all can be queried"),
        )


def _target(project_id: int | None, data: Path, url: str | None, token: str | None) -> Target:
    if url is not None and token is not None and project_id is None:
        return Target(url, token, None, "@current")
    if url is not None or token is not None:
        raise click.UsageError("Give --url and --token together, and no --project with them.")
    running = datadir.find(data)
    if running is None:
        raise CannotStart(
            f"No server runs on {data}. Start one (recount serve --data-dir {data}), or name one "
            "with --url and --token."
        )

    async def find(pool: Pool) -> tuple[int, str]:
        found = await accounts.only_project(pool) if project_id is None else project_id
        return found, await accounts.capture_token(pool, found)

    project, capture_token = shared_options.with_database(data, find)
    return Target(running.url, capture_token, data, str(project))


def _names(maps: Sequence[str]) -> dict[str, str]:
    names = {}
    for pair in (pair for text in maps for pair in _NEXT_PAIR.split(text)):
        found = _PAIR.fullmatch(pair)
        column = "" if found is None else found[2].strip()
        if len(column) > 1 and column[0] == column[-1] == '"':
            column = column[1:-1].replace('""', '"')
        if found is None or not column:
            raise click.BadParameter(
                f"{pair!r} is not like distinct_id=customer; fields are {', '.join(FIELDS)}",
                param_hint="--map",
            )
        names[found[1]] = column
    return names


def _columns(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(name.strip() for name in text.split(","))


def _separator(text: str | None) -> str | None:
    if text is None:
        return None
    separator = _SEPARATORS.get(text.lower(), text)
    if len(separator) != 1 or separator in '"\r\n':
        raise click.BadParameter(
            f"{text!r} is not one character, nor one of {', '.join(_SEPARATORS)}",
            param_hint="--separator",
        )
    return separator


def _time_format(text: str | None) -> str | None:
    if text is None or "%" in text or text in look.NAMED_FORMS:
        return text
    raise click.BadParameter(
        f"{text!r} is not {', '.join(look.NAMED_FORMS)}, nor a pattern such as '%d/%m/%Y %H:%M'",
        param_hint="--time-format",
    )


def _timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError) as cause:
        raise click.BadParameter(
            f"{name!r} is no time zone; they are named like Europe/Berlin", param_hint="--timezone"
        ) from cause


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
