"""`recount projects export` and `recount projects import`."""

import asyncio
import sys
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import Progress

from contracts.archives import ArchiveManifest
from services.common.clickhouse import ClickHouse
from services.embedded import stopped_folder
from services.embedded.archives.checking import ArchiveBroken, CheckedArchive, checked
from services.embedded.archives.exporting import export as export_project
from services.embedded.archives.importing import Import, ImportedProject
from services.embedded.commands import shared_options
from services.embedded.stopped_folder import StoppedFolder

BROKEN = 1

LEFT_BEHIND = (
    "API keys, the capture token, tokens and passwords of public pages, addresses and secrets of"
    " webhooks, and subscribers on NATS are not in an archive: make them anew."
)


class ArchiveOutput(msgspec.Struct, frozen=True, kw_only=True):
    """An archive as scripts get it. hash, root: hexadecimal."""

    project: int
    name: str
    entries: int
    hash: str
    root: str
    events: int
    persons: int
    api_token: str | None = None


def _bar() -> Progress:
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


@click.command("export")
@click.argument("project", type=int, metavar="ID")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@shared_options.data_dir
@shared_options.as_json
def export(project: int, file: Path, data_dir: Path, as_json: bool) -> None:
    """Write a project to one file: its facts with their proofs, its events, its people.

    No server may run on the data folder. The file is a tar, compressed by zstd, of NDJSON and
    Parquet; it is there once it is whole. It holds no secret, but all that is known of people.
    """
    settings = shared_options.settings()

    async def run(folder: StoppedFolder) -> ArchiveManifest:
        await stopped_folder.refuse_waiting(folder)
        with _bar() as bar:
            tasks = {what: bar.add_task(what, total=None) for what in ("facts", "rows", "events")}

            def on_step(what: str, done: int, total: int) -> None:
                bar.update(tasks[what], completed=done, total=total)

            async with await ClickHouse.open(folder.clickhouse_url) as clickhouse:
                return await export_project(folder.postgres_url, clickhouse, project, file, on_step)

    with stopped_folder.stopped(data_dir, settings, with_nats=True) as folder:
        _show(asyncio.run(run(folder)), None, as_json=as_json)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Read and verify all of it, and write nothing.")
@shared_options.data_dir
@shared_options.as_json
def import_(file: Path, check: bool, data_dir: Path, as_json: bool) -> None:
    """Bring in a project that `recount projects export` has written, to the same chain and root.

    The file is verified first. A project keeps its numbers, which its hashes hold: where one of
    them is taken, nothing is written. No server may run on the data folder; a new one is made.
    Killed, the same command goes on where it was. Exit code 1 where the archive does not hold.
    """
    archive = _checked(file, as_json=as_json)
    if check:
        _show(archive.manifest, None, as_json=as_json)
        return

    async def run(folder: StoppedFolder) -> ImportedProject:
        with _bar() as bar:
            task = bar.add_task("importing", total=None)

            def on_step(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            async with await ClickHouse.open(folder.clickhouse_url) as clickhouse:
                importing = Import(folder.postgres_url, clickhouse, file, archive, on_step)
                return await importing.run()

    settings = shared_options.settings()
    with stopped_folder.stopped(data_dir, settings, may_make=True) as folder:
        _show(archive.manifest, asyncio.run(run(folder)), as_json=as_json)


def _checked(file: Path, *, as_json: bool) -> CheckedArchive:
    try:
        with _bar() as bar:
            task = bar.add_task("verifying", total=file.stat().st_size)
            return checked(file, lambda read: bar.update(task, completed=read))
    except ArchiveBroken as broken:
        if as_json:
            shared_options.print_json({"holds": False, "reason": str(broken)})
        click.echo(f"recount: {file} does not hold: {broken}", err=True)
        sys.exit(BROKEN)


def _show(manifest: ArchiveManifest, made: ImportedProject | None, *, as_json: bool) -> None:
    if as_json:
        shared_options.print_json(
            ArchiveOutput(
                project=manifest.project,
                name=manifest.name,
                entries=manifest.entries,
                hash=manifest.hash,
                root=manifest.root,
                events=manifest.events,
                persons=manifest.persons,
                api_token=None if made is None else made.api_token,
            )
        )
        return
    click.echo(f"Project {manifest.project}: {manifest.name} ({manifest.timezone})")
    click.echo(f"{manifest.entries:,} entries, last hash {manifest.hash}")
    click.echo(f"root {manifest.root}")
    click.echo(f"{manifest.events:,} events, {manifest.persons:,} persons.")
    if made is None:
        return
    if made.was_there:
        click.echo("It was imported before; nothing was written.")
    click.echo(f"Capture token {made.api_token}")
    for insight, token in made.shares:
        click.echo(f"Insight {insight} is public under a new token: /shared/{token}")
    click.echo(LEFT_BEHIND)
