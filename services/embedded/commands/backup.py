"""`recount backup` and `recount restore`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import Progress

from contracts.backups import BackupManifest
from services.embedded.backups.making import BackupOptions, OnStep, back_up
from services.embedded.backups.restoring import restore as restore_folder
from services.embedded.commands import shared_options

STATEMENT = "BACKUP TABLE events, TABLE event_uuids TO Disk('backups', 'recount')"


class RestoreOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A restored folder as scripts get it. removed: events that came after PostgreSQL's copy."""

    entries: int
    events: int
    removed: int
    rows_righted: int


@contextmanager
def _steps() -> Iterator[OnStep]:
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        tasks = {}

        def on_step(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield on_step


@click.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--postgres",
    type=click.Choice(["copy", "none"]),
    default="copy",
    show_default=True,
    help="none: it is backed up elsewhere, before this.",
)
@click.option("--lsn", metavar="LSN", help="Where that backup of PostgreSQL ends; is written down.")
@shared_options.data_dir
@shared_options.as_json
def backup(
    target: Path, postgres: Literal["copy", "none"], lsn: str | None, data_dir: Path, as_json: bool
) -> None:
    """Copy everything to a new folder: PostgreSQL first, then product events.

    Beside a running server, too: all that was acknowledged before it began is in it. TARGET is
    there once it is whole. It holds everything that the data folder holds, secrets too. With
    PostgreSQL elsewhere (RECOUNT_EMBEDDED_POSTGRES_URL) ClickHouse is backed up by its own means
    after this.
    """
    if (lsn is not None) != (postgres == "none"):
        raise click.UsageError("--postgres=none and --lsn go together.")
    options = BackupOptions(own_postgres=postgres == "copy", lsn=lsn)
    settings = shared_options.settings()
    with _steps() as on_step:
        made = back_up(data_dir, settings, target, options, on_step)
    if as_json:
        shared_options.print_json(made)
        return
    _show(made, target)


@click.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False, path_type=Path))
@shared_options.data_dir
@shared_options.as_json
def restore(backup: Path, data_dir: Path, as_json: bool) -> None:
    """Bring a backup back into a new data folder, and prove it.

    Every hash is recomputed and held against the backup's manifest; product events that
    PostgreSQL's copy knows nothing of are taken out; persons are copied, read models folded again.
    The folder is there once all of it holds; exit code 1 otherwise.
    """
    with _steps() as on_step:
        restored = restore_folder(backup, data_dir, on_step)
    if as_json:
        shared_options.print_json(
            RestoreOutput(
                entries=restored.entries,
                events=restored.events,
                removed=restored.removed,
                rows_righted=restored.rows,
            )
        )
        return
    click.echo(f"Restored what was backed up at {restored.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    click.echo(f"{restored.entries:,} entries, whole and unchanged, as the backup has them.")
    click.echo(f"{restored.events:,} events, {restored.removed:,} that came later taken out.")
    click.echo(f"{restored.rows:,} rows of read models were not as the log tells them.")
    click.echo(
        "A copy that goes on beside the original needs a name of its own:"
        " recount installation renew."
    )


def _show(made: BackupManifest, target: Path) -> None:
    click.echo(f"{made.head:,} entries of {len(made.chains):,} chains are in {target}.")
    if made.postgres is None:
        click.echo(f"PostgreSQL is backed up elsewhere, to {made.lsn}.")
    if made.parts is None:
        click.echo(f"Now back up ClickHouse, on every shard: {STATEMENT}")
        return
    parts = sum(len(parts) for parts in made.parts.values())
    reached = made.reached.get("CAPTURE", 0)
    click.echo(f"Product events up to message {reached:,}, in {parts:,} parts.")
