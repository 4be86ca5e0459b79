"""`recount erase`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click
from msgspec import UNSET
from rich.console import Console
from rich.progress import Progress

from contracts.api.erasures import WriteErasure
from services.command.audit.running import reach
from services.common.log.store import EventStore
from services.common.postgres import database, erasures
from services.embedded import datadir, erasing, folder_database, physical
from services.embedded.commands import shared_options
from services.embedded.erasing import Erased, OnProgress
from services.embedded.refusal import CannotStart


@click.command()
@click.option("--project", type=int, help="The number of the project.")
@click.option("--entries", help="Entries of its log, by their sequences: 510,511.")
@click.option("--text", help="Whatever people wrote that has this text, in any case.")
@click.option("--user", type=int, help="A user of Recount, by number.")
@click.option("--person", help="The person with this distinct id, and all their events.")
@click.option("--reason", default="", help="Kept in the log for ever, up to 200 characters.")
@click.option("--only", is_flag=True, help="These entries, though others say the same.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and do nothing.")
@click.option("--physical", type=int, metavar="ID", help="Remove the bytes of a done erasure.")
@click.option("--search", multiple=True, help="With --physical: what must be in no file after it.")
@click.option("--resume", type=int, metavar="ID", help="Take up an erasure that failed.")
@shared_options.data_dir
@shared_options.as_json
def erase(
    project: int | None,
    entries: str | None,
    text: str | None,
    user: int | None,
    person: str | None,
    reason: str,
    only: bool,
    dry_run: bool,
    physical: int | None,
    search: tuple[str, ...],
    resume: int | None,
    data_dir: Path,
    as_json: bool,
) -> None:
    """Erase entries, a text, a user or a person: from the log and from all that is made of it.

    It asks nothing; --dry-run shows what would go. Facts in the log tell that it was done, and the
    chain holds as before. Beside a running server, or without one.

    --physical then rewrites PostgreSQL's tables (writes wait meanwhile, seconds for a small log)
    and its write-ahead log, and reads every file for what --search names; `-` reads lines from
    stdin.
    """
    if physical is not None:
        _physical(data_dir, physical, search, as_json)
        return
    settings = shared_options.settings()
    if resume is not None:
        with _bar() as progress:
            erased = erasing.resume(data_dir, settings, resume, progress)
        _tell(erased, as_json)
        return
    if project is None:
        raise click.UsageError("--project names the project.")
    wanted = WriteErasure(
        entries=UNSET if entries is None else _sequences(entries),
        text=UNSET if text is None else text,
        user=UNSET if user is None else user,
        person=UNSET if person is None else person,
        reason=reason,
        only=only,
    )
    if dry_run:
        look = erasing.look(data_dir, settings, project, wanted)
        for each in look.erased:
            fields = ", ".join(each.left.fields)
            click.echo(f"{each.entry.sequence} {each.entry.subject} {each.entry.name}: {fields}")
        click.echo(f"{len(look.erased)} entries, and what is made of them.", err=True)
        return
    with _bar() as progress:
        erased = erasing.erase(data_dir, settings, project, wanted, progress)
    _tell(erased, as_json)


def _sequences(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError as cause:
        raise click.UsageError("--entries takes numbers: 510,511.") from cause


def _physical(data_dir: Path, number: int, search: tuple[str, ...], as_json: bool) -> None:
    settings = shared_options.settings()
    if settings.postgres_url is not None:
        click.echo("PostgreSQL is not in this folder. A superuser runs there:", err=True)
        click.echo(physical.COMMANDS)
        click.echo("Then look through its files, its write-ahead log and its backups.", err=True)
        return
    texts = [text for text in _texts(search) if text]
    if not texts:
        raise click.UsageError("--search says what must be gone: it is kept nowhere any more.")
    with folder_database.database(data_dir, settings) as url:
        asyncio.run(_is_logical(url, number))
        click.echo(
            "All tables are written anew, the log's among them: writes wait for it. Then the"
            " write-ahead log, then every file is read.",
            err=True,
        )
        with _bar() as told:
            physical.rewrite(url, lambda what, done, total: told(done, total, what))
            found = physical.search(
                datadir.whole(data_dir), texts, lambda what, done, total: told(done, total, what)
            )
        if found:
            for path in found:
                click.echo(path)
            raise CannotStart(
                f"Erasure {number} is not physical: {len(found)} files still have it."
            )
        erased = asyncio.run(_done(url, number))
    _tell(erased, as_json)


def _texts(search: tuple[str, ...]) -> Iterator[str]:
    for each in search:
        if each == "-":
            yield from (line.rstrip("\n") for line in sys.stdin)
        else:
            yield each


async def _is_logical(url: str, number: int) -> None:
    async with database.pool(url, size=1) as pool:
        task = await erasures.one(pool, number)
    if task is None or not task.asked:
        raise CannotStart(f"There is no erasure {number}.")
    if task.state == "requested":
        raise CannotStart(f"Erasure {number} is not done yet.")


async def _done(url: str, number: int) -> Erased:
    async with EventStore.open(url) as store, database.pool(url, size=2) as pool:
        task = await erasures.one(pool, number)
        if task is None:
            raise CannotStart(f"There is no erasure {number}.")
        await reach(store, pool, task, "physical", {"files": 0})
    return Erased(number, "physical", {"files": 0})


@contextmanager
def _bar() -> Iterator[OnProgress]:
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("")

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


def _tell(erased: Erased, as_json: bool) -> None:
    if as_json:
        shared_options.print_json(erased)
        return
    click.echo(f"Erasure {erased.id} is {erased.state}.")
    for place, count in erased.counts.items():
        click.echo(f"  {place}: {count:,}")
    if erased.state == "logical":
        click.echo(f"`recount erase --physical {erased.id}` removes its bytes from the disk, too.")
