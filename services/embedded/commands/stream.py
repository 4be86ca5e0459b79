"""`recount stream`."""

import sys
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import Progress

from services.command.bus.facts_bus import FactsBus
from services.command.bus.status import StreamStatus, reset_stream, stream_status
from services.common.log.timeline import log_timeline
from services.embedded.commands import shared_options
from services.embedded.commands.on_bus import with_bus
from services.embedded.refusal import CannotStart


@click.group()
def stream() -> None:
    """The public stream of facts on NATS."""


@stream.command("status")
@shared_options.data_dir
@shared_options.as_json
def status(data_dir: Path, as_json: bool) -> None:
    """How far the public stream goes, what is missing, how far the sweep is, and who follows it."""
    told = with_bus(data_dir, _status)
    if as_json:
        shared_options.print_json(told)
        return
    for line in _lines(told):
        click.echo(line)


@stream.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options.data_dir
@shared_options.as_json
def reset(yes: bool, data_dir: Path, as_json: bool) -> None:
    """Delete the public stream and publish it again from the log.

    What it holds and the log does not is lost: the way on after the log was restored from an older
    copy. Durable consumers go on behind what they have acknowledged. Beside a running server, too.
    """
    if not yes:
        told = with_bus(data_dir, _status)
        for line in _lines(told):
            click.echo(line, err=True)
        lost = f" The {beyond:,} messages behind it are lost." if (beyond := _beyond(told)) else ""
        click.confirm(
            f"Delete the stream and publish it again from the log, up to position {told.head:,}?"
            + lost,
            abort=True,
            err=True,
        )
    last = with_bus(data_dir, _reset)
    if last is None:
        raise CannotStart("The public stream is being made anew by another process right now.")
    if as_json:
        shared_options.print_json({"last": last})
        return
    click.echo(f"The public stream is made anew from the log, up to position {last:,}.")


async def _status(bus: FactsBus, _: str) -> StreamStatus:
    return await stream_status(bus)


async def _reset(bus: FactsBus, _: str) -> int | None:
    if not (await log_timeline(bus.pool)).is_verified:
        raise CannotStart(
            "Another PostgreSQL has taken over, and the stream may hold what its log lacks: see"
            " `recount log recover` and `recount log accept` first."
        )
    head = await bus.store.head()
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("facts", total=head)
        return await reset_stream(bus, lambda position: bar.update(task, completed=position))


def _beyond(told: StreamStatus) -> int:
    """Messages whose positions the log does not have."""
    return max(told.last - told.head, 0)


def _lines(told: StreamStatus) -> list[str]:
    state = told.state.replace("_", " ")
    swept = "never" if told.sweep.ended_at is None else f"{told.sweep.ended_at:%Y-%m-%d %H:%M:%S}Z"
    return [
        f"{told.stream}: {state}" + (f" ({told.reason})" if told.reason else ""),
        f"first {told.first:,}, last {told.last:,}, {told.holes:,} holes;"
        f" the log is at {told.head:,}",
        f"{told.messages:,} messages, {told.bytes:,} bytes, format {told.format or 'of old'}",
        f"swept to {told.sweep.position:,}, the whole of it last: {swept}",
        *(
            f"consumer {one.name}: acknowledged {one.acknowledged:,},"
            f" {one.unacknowledged:,} on their way, {one.pending:,} to come"
            for one in told.consumers
        ),
    ]
