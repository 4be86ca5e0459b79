"""`recount log`."""

import sys
from pathlib import Path

import rich_click as click

from services.command.bus.deciding import accept_and_void, accept_as_is
from services.command.bus.facts_bus import FactsBus
from services.command.bus.recovering import Recovery, recover
from services.common.log.restoring import LogMoved
from services.common.log.timeline import LogTimeline, log_timeline
from services.common.postgres.database import Pool
from services.embedded.commands import shared_options
from services.embedded.commands.on_bus import with_bus
from services.embedded.refusal import CannotStart


@click.group()
def log() -> None:
    """The log after another PostgreSQL has taken over."""


@log.command("recover")
@shared_options.data_dir
@shared_options.as_json
def recover_(data_dir: Path, as_json: bool) -> None:
    """Hold the log against the public stream, and put back what it has lost.

    The services do it by themselves when PostgreSQL was failed over. By hand for a log that was
    restored from an older copy. Says what was found; exits with 1 where a person has to decide.
    """
    found = with_bus(data_dir, lambda bus, _: _recover(bus))
    if as_json:
        shared_options.print_json(found)
    else:
        click.echo(_told(found))
    if found.outcome != "verified":
        sys.exit(1)


@log.command("accept")
@click.option(
    "--as-is", "as_is", is_flag=True, help="Go on at the log's end: also without the bus."
)
@click.option(
    "--void", "void", is_flag=True, help="Go on behind the stream's end; what is between is void."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options.data_dir
def accept(as_is: bool, void: bool, yes: bool, data_dir: Path) -> None:
    """Go on with the log as it is, although the public stream has entries that it lacks."""
    if as_is == void:
        raise click.UsageError("Say either --as-is or --void.")
    if as_is:
        _accept_as_is(data_dir, yes)
    else:
        _accept_and_void(data_dir, yes)


def _accept_as_is(data: Path, yes: bool) -> None:
    standing = shared_options.with_database(data, log_timeline)
    if not yes:
        click.confirm(
            f"The log ends at {standing.head:,}. What others have read beyond that gets a second"
            " meaning. Go on?",
            abort=True,
            err=True,
        )

    async def accepted(pool: Pool) -> LogTimeline:
        await accept_as_is(pool, standing.head)
        return await log_timeline(pool)

    try:
        now = shared_options.with_database(data, accepted)
    except LogMoved as cause:
        raise _moved() from cause
    click.echo(f"The log goes on at position {now.head + 1:,}, on timeline {now.current}.")


def _accept_and_void(data: Path, yes: bool) -> None:
    if not yes:
        click.confirm(
            "What the public stream holds beyond the log is lost then, and its positions are void."
            " Go on?",
            abort=True,
            err=True,
        )
    try:
        last = with_bus(data, accept_and_void)
    except LogMoved as cause:
        raise _moved() from cause
    click.echo(
        f"The log goes on at position {last + 1:,}. `recount stream reset` publishes it again."
    )


async def _recover(bus: FactsBus) -> Recovery:
    return await recover(bus, asked=True)


def _told(found: Recovery) -> str:
    where = f"The log was at {found.head:,}, the public stream at {found.last:,}"
    back = f"{found.put_back:,} entries were put back" if found.put_back else "nothing was put back"
    match found.outcome:
        case "busy":
            return "Another process compares the log with the public stream right now."
        case "verified":
            return f"{where}: {back}, and the log is verified."
        case "forked":
            return (
                f"{where}: {back}, and they are two histories. {found.reason}. Nothing is appended"
                " until `recount log accept`."
            )


def _moved() -> CannotStart:
    return CannotStart("Somebody has written to the log meanwhile; look at it again.")
