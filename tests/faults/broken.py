"""Services that break one promise each, so that a test can see that its checker notices.

python -m tests.faults.broken no_precondition services.command

Each build takes one safeguard out, and makes the moment longer in which that matters. Nothing in
the product knows of them.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from contracts.ingest_position import IngestPosition
from services.command.bus.publisher import Publisher
from services.command.capture.bucket_stream import BucketStream
from services.common.log import judging, transaction, writer
from services.common.log.appends import AppendedFacts
from services.common.log.judging import Judgement, LogState, PreparedAppend, Refusal
from services.common.log.writer import LogWriter, QueuedAppend
from services.common.postgres.installation import installation
from services.common.stream import OutgoingMessage, publish_whole
from services.projector import batch, checkpoint
from services.projector.projection import Entry, Projection
from services.query.reads.read_position import Freshness, FreshValue


def put(owner: object, name: str, replacement: object) -> None:
    """In the place of what has this name, which must be there."""
    getattr(owner, name)
    setattr(owner, name, replacement)


def no_precondition() -> None:
    """The log appends whatever version a command was decided on."""
    refusal, append = judging._refusal, LogWriter.append

    def careless(prepared: PreparedAppend, standing: LogState) -> Refusal | None:
        parts = tuple(replace(part, after=None) for part in prepared.parts)
        return refusal(replace(prepared, parts=parts), standing)

    async def late(self: LogWriter, prepared: PreparedAppend) -> AppendedFacts:
        await asyncio.sleep(0.1)
        return await append(self, prepared)

    put(judging, "_refusal", careless)
    put(LogWriter, "append", late)


def ack_before_commit() -> None:
    """Callers are answered once they are judged, before the transaction commits."""
    commit, write = transaction.commit, LogWriter._write
    batches: list[Sequence[QueuedAppend]] = []

    async def remembered(self: LogWriter, waiting: Sequence[QueuedAppend]) -> None:
        batches[:] = [waiting]
        await write(self, waiting)

    async def late(conn: Any, judgement: Judgement) -> None:
        writer._answer(batches[0], judgement)
        await asyncio.sleep(0.3)
        await commit(conn, judgement)

    put(LogWriter, "_write", remembered)
    put(transaction, "commit", late)


def checkpoint_outside() -> None:
    """The checkpoint moves in a transaction of its own, before the rows."""

    async def outside(
        conn: checkpoint.Connection,
        projection: Projection[Any],
        after: int,
        entries: Sequence[Entry],
        crash_at: batch.CrashAt,
    ) -> list[checkpoint.ParkedStream] | None:
        async with conn.transaction():
            moved = await checkpoint.advance(conn, projection.name, after, entries[-1].position)
            if await moved.fetchone() is None:
                return None
        await asyncio.sleep(0.2)
        async with conn.transaction():
            parked = await batch.apply_in(conn, projection, entries)
            await checkpoint.ring(conn, projection.name)
        return parked

    put(batch, "_transaction", outside)


def no_expected_sequence() -> None:
    """The relay publishes after whatever the stream holds, and without the ids of messages."""
    message = Publisher._message

    async def anywhere(self: Publisher, entries: Sequence[Any]) -> None:
        await asyncio.sleep(0.05)
        installed = await installation(self._bus.pool)
        messages = []
        for entry in entries:
            made = message(self, entry, installed)
            headers = {name: text for name, text in made.headers.items() if name != "Nats-Msg-Id"}
            messages.append(replace(made, headers=headers))
        self.published = await publish_whole(self._bus.client, messages)

    put(Publisher, "_publish", anywhere)


def no_wait() -> None:
    """Reads answer with what is there, and say nothing of it."""

    async def at_once(self: Freshness, read: Callable[[], Any], _: int | None) -> FreshValue[Any]:
        seen = await read()
        return FreshValue(seen.value, seen.standing.reached, stale=False)

    put(Freshness, "of", at_once)


def skip_one() -> None:
    """The live projections leave out every 20th fact."""
    fold = batch.fold

    def most(
        projection: Projection[Any], state: Any, entries: Sequence[Entry], left: set[Any]
    ) -> list[checkpoint.ParkedStream]:
        kept = [entry for entry in entries if entry.position % 20]
        return fold(projection, state, kept, left)

    put(batch, "fold", most)


def ack_before_durable() -> None:
    """Captured events are acknowledged before the stream has them."""
    publish = BucketStream.publish
    later: set[asyncio.Task[None]] = set()

    async def at_once(self: BucketStream, messages: Sequence[OutgoingMessage]) -> IngestPosition:
        async def send() -> None:
            await asyncio.sleep(0.3)
            await publish(self, messages)

        later.add(asyncio.create_task(send()))
        return self.position

    put(BucketStream, "publish", at_once)


BUILDS: Mapping[str, Callable[[], None]] = {
    build.__name__: build
    for build in (
        no_precondition,
        ack_before_commit,
        checkpoint_outside,
        no_expected_sequence,
        no_wait,
        skip_one,
        ack_before_durable,
    )
}


def main(name: str, module: str) -> None:
    """Runs the service, with the build's hole in it."""
    BUILDS[name]()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
