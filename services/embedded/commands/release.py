"""`recount release`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import rich_click as click

from services.common.postgres import releases
from services.common.postgres.database import NOTICED
from services.common.postgres.migrate import migrations
from services.common.postgres.releases import OlderProcesses, Releases
from services.embedded import folder_database
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart


@click.group(invoke_without_command=True)
@shared_options.data_dir
@shared_options.as_json
@click.pass_context
def release(context: click.Context, data_dir: Path, as_json: bool) -> None:
    """Which processes run, of which releases, and whether the upgrade is finished.

    A new release writes its new kinds of facts once the upgrade is finished, so that processes of
    the release before can run beside it until then (docs/upgrade.md).
    """
    if context.invoked_subcommand is not None:
        return
    with _connected(data_dir) as conn:
        found = releases.running(conn)
    if as_json:
        shared_options.print_json(found)
        return
    _show(found)


@release.command("finish")
@shared_options.data_dir
def finish(data_dir: Path) -> None:
    """Let every process write the new kinds of facts; refused while one can't read them.

    There is no way back to the release before after this: its processes don't start any more.
    """
    with _connected(data_dir) as conn:
        try:
            named = releases.finish(conn, migrations()[-1].number)
        except OlderProcesses as cause:
            raise CannotStart(f"{cause} A process that was killed counts for a minute.") from cause
    if named:
        click.echo(f"Finished. Written from now on: {', '.join(named)}.")
    else:
        click.echo("Nothing was left to finish: this release's facts are written already.")


@contextmanager
def _connected(data: Path) -> "Iterator[psycopg.Connection]":
    with (
        folder_database.database(data, shared_options.settings()) as url,
        psycopg.connect(url, autocommit=True, **NOTICED) as conn,
    ):
        yield conn


def _show(found: Releases) -> None:
    for one in found.processes:
        click.echo(
            f"{one.service:<14}{one.version:<10}tables {one.tables:<6}{one.id[:8]}"
            f"   seen {one.silent_seconds:.0f} s ago"
            + (f"   can't read {', '.join(one.lacks)}" if one.lacks else "")
        )
    for sessions in found.older:
        click.echo(str(sessions))
    if not (found.processes or found.older):
        click.echo("No process runs.")
    if not found.pending:
        click.echo("The upgrade is finished: all facts of this release are written.")
        return
    click.echo(f"Not written yet: {', '.join(found.pending)}")
    if found.in_the_way:
        click.echo("`recount release finish` is refused while these run:")
        for each in found.in_the_way:
            click.echo(f"  {each}")
    else:
        click.echo("`recount release finish` lets them be written.")
