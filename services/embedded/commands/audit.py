"""`recount audit`."""

import asyncio
import contextlib
import csv
import functools
import gzip
import io
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Never, Protocol, get_args

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from contracts.cursors import NOW, MalformedCursor, parse_cursor
from services.embedded import folder_database
from services.embedded.auditing import (
    BrokenOff,
    FolderSource,
    Form,
    Page,
    ServerSource,
    Source,
    Trail,
    running_database,
)
from services.embedded.commands import shared_options
from services.embedded.following import keep
from services.embedded.refusal import CannotStart

BROKEN_OFF = 1

_project = click.option("--project", required=True, metavar="ID", help="The project's number.")
_url = click.option("--url", help="Another server, such as https://recount.example.")
_key = click.option(
    "--key", envvar="KEY", show_envvar=True, help="An administrator's API key; for a --url."
)


@click.group()
def audit() -> None:
    """Every fact of a project, for auditors and their SIEMs."""


@audit.command("export")
@_project
@click.option(
    "--after", default="0", show_default=True, metavar="CURSOR", help="Only what follows it."
)
@click.option(
    "--format", "form", type=click.Choice(get_args(Form)), default="ndjson", show_default=True
)
@click.option("--reads", is_flag=True, help="The trail of reads instead, by its own numbers.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Written anew; compressed if it is called .gz. [standard output]",
)
@_url
@_key
@shared_options.data_dir
def export(
    project: str,
    after: str,
    form: Form,
    reads: bool,
    out: Path | None,
    url: str | None,
    key: str | None,
    data_dir: Path,
) -> None:
    """Write a project's facts up to now, oldest first, a line each.

    From a data folder, beside a running server or without one, or from any server by --url. The
    last line on standard error says how many there were, the cursor behind them, and how many
    entries the newest signed checkpoint covers. Exit code 1 when it was broken off: what was
    written is whole up to that cursor, and --after goes on there.
    """
    if after == NOW:
        raise click.BadParameter("Nothing is there beyond it.", param_hint="--after")
    _check(after)
    with contextlib.ExitStack() as opened:
        # One for the whole export: where no server runs, it is started for this.
        find = functools.cache(lambda: _database(opened, data_dir))
        source = _source(url, key, project, find)
        file = opened.enter_context(_output(out))
        exported = _Exported(after, form)
        try:
            _run(_export(source, "reads" if reads else "facts", file, exported))
        except CannotStart:
            if not exported.entries:
                raise
            exported.break_off("refused")
        except (BrokenOff, OSError, asyncio.CancelledError, KeyboardInterrupt) as cause:
            exported.break_off(str(cause) or "interrupted")
        exported.tell()


@audit.command("follow")
@_project
@click.option(
    "--after", default=NOW, show_default=True, metavar="CURSOR", help="0: from the first fact on."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "ocsf"]),
    default="ndjson",
    show_default=True,
)
@click.option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keeps how far it came; where it is there, its cursor goes before --after.",
)
@_url
@_key
@shared_options.data_dir
def follow(
    project: str,
    after: str,
    form: Form,
    cursor_file: Path | None,
    url: str | None,
    key: str | None,
    data_dir: Path,
) -> None:
    """Print a project's facts as they happen, a line each, until Ctrl-C or SIGTERM.

    From the server that runs on a data folder, or from any server by --url. Lost connections are
    taken up again, and nothing is missed. The cursor file is replaced after what it stands for was
    written, so that a restart goes on there.
    """
    if cursor_file is not None and cursor_file.exists():
        after = cursor_file.read_text().strip()
    _check(after)
    settings = shared_options.settings()
    source = _source(url, key, project, lambda: running_database(data_dir, settings))
    try:
        _run(_follow(source, after, form, cursor_file))
    except BrokenPipeError:
        _forget_output()
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass


class _Exported:
    """How far an export is. cursor: what is written is whole up to there. checkpoint: the size of
    the newest tree that was signed.
    """

    def __init__(self, after: str, form: Form) -> None:
        self.cursor = after
        self.form = form
        self.entries = 0
        self.checkpoint: int | None = None

    def wrote(self, page: Page) -> None:
        if self.form == "csv":
            csv.field_size_limit(len(page.body))
            self.entries += sum(1 for _ in csv.reader(io.StringIO(page.body.decode()))) - 1
        else:
            self.entries += page.body.count(b"\n")
        self.cursor = page.through

    def break_off(self, why: str) -> Never:
        click.echo(f"recount: broken off: {why}", err=True)
        self.tell()
        _forget_output()
        sys.exit(BROKEN_OFF)

    def tell(self) -> None:
        signed = "none" if self.checkpoint is None else self.checkpoint
        click.echo(f"entries {self.entries}, cursor {self.cursor}, checkpoint {signed}", err=True)


async def _export(source: Source, trail: Trail, out: "_Output", exported: _Exported) -> None:
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("entries", total=None)
        headed = False
        pages = source.pages(trail, exported.cursor, exported.form)
        async with contextlib.aclosing(pages):
            async for page in pages:
                body = page.body
                if exported.form == "csv" and headed:
                    _, _, body = body.partition(b"\r\n")
                headed = True
                out.write(body)
                out.flush()
                exported.wrote(page)
                bar.update(task, completed=page.sequence, total=page.head)
    exported.checkpoint = await source.checkpoint()


async def _follow(source: Source, after: str, form: Form, cursor_file: Path | None) -> None:
    async with contextlib.aclosing(source.follow(after, form)) as pages:
        async for page in pages:
            # Nothing comes in between: a signal is heard when the next page is waited for.
            sys.stdout.buffer.write(page.body)
            sys.stdout.buffer.flush()
            if cursor_file is not None:
                keep(cursor_file, page.through)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Until it is done or SIGTERM comes. Raises asyncio.CancelledError, KeyboardInterrupt."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await task

    asyncio.run(run())


def _check(after: str) -> None:
    if after == NOW:
        return
    try:
        parse_cursor(after)
    except MalformedCursor as cause:
        raise click.BadParameter(str(cause), param_hint="--after") from cause


def _source(url: str | None, key: str | None, project: str, find: Callable[[], str]) -> Source:
    if url is not None:
        if not key:
            raise click.UsageError("Say which key: --key, or KEY in the environment.")
        return ServerSource(url, key, project)
    if not project.isdecimal():
        raise click.BadParameter("The number of a project.", param_hint="--project")
    return FolderSource(find, int(project))


def _database(opened: contextlib.ExitStack, data: Path) -> str:
    return opened.enter_context(folder_database.database(data, shared_options.settings()))


class _Output(Protocol):
    def write(self, written: bytes, /) -> object: ...
    def flush(self) -> object: ...


@contextlib.contextmanager
def _output(out: Path | None) -> Iterator[_Output]:
    if out is None:
        yield sys.stdout.buffer
        return
    with contextlib.ExitStack() as opened:
        file: _Output = (
            opened.enter_context(gzip.open(out, "wb"))
            if out.suffix == ".gz"
            else opened.enter_context(out.open("wb"))
        )
        try:
            yield file
        except BaseException:
            # A disk that was full is full now.
            with contextlib.suppress(OSError):
                opened.close()
            raise


def _forget_output() -> None:
    """Nobody reads it any more: or Python would try once more at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
