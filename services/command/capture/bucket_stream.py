"""A bucket's capture stream, as a process publishes to it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nats.aio.client import Client

from contracts.ingest_position import IngestPosition
from contracts.product_events import NOTHING_CAPTURED
from contracts.subjects import capture_subject
from services.common.http.problems import unavailable
from services.common.postgres.database import CONNECTION_LOST
from services.common.stream import (
    TIMEOUT_SECONDS,
    Outage,
    OutgoingMessage,
    PublishRefused,
    StreamUnavailable,
    capture_stream,
    publish_patiently,
)
from services.common.tasks import Waiting

# Shorter than readiness waits, which asks as well.
TRYING_SECONDS = 1.0
OPENING_SECONDS = 0.5
AWAY = (StreamUnavailable, *CONNECTION_LOST)


class BucketStream:
    """Takes messages once it was seen to be whole. prefix: of stream and subjects.

    outage: whether it takes them. position: of the last message that is known of.
    """

    def __init__(self, bus: Client, bucket: int, prefix: str = "") -> None:
        self.outage = Outage(f"the capture stream {capture_stream(prefix, bucket)}")
        self.position = IngestPosition(bucket)
        self._bus = bus
        self._prefix = prefix
        self._is_open = False

    async def open(self, whole: Callable[[int], Awaitable[int]]) -> None:
        """Returns once messages are taken; waits for whatever is away.

        whole: makes the stream of a bucket, or sees that it is whole; its last sequence. Raises
        what AWAY has.
        """
        bucket = self.position.bucket
        waiting = Waiting(f"capture {bucket}")
        while not self._is_open:
            try:
                with self.outage.watching():
                    self.position = IngestPosition(bucket, await whole(bucket))
                self._is_open = True
            except AWAY as cause:
                waiting.tell(cause)
                await asyncio.sleep(OPENING_SECONDS)

    def subject(self, team_id: int) -> str:
        """Of a project of this bucket."""
        return f"{self._prefix}{capture_subject(team_id, self.position.bucket)}"

    async def try_again(self) -> None:
        """Publish a message without events. Raises Rejected (503) while nothing is taken."""
        await self.publish([OutgoingMessage(self.subject(0), NOTHING_CAPTURED)])

    async def publish(self, messages: Sequence[OutgoingMessage]) -> IngestPosition:
        """All of them or none, durably; the position of the last. Raises Rejected (503)."""
        before = self.position.sequence
        try:
            if not self._is_open:
                raise StreamUnavailable("the stream was not looked at yet")
            with self.outage.watching():
                # While no event is taken, refusals come without a long wait.
                patience = TIMEOUT_SECONDS if self.outage.reason is None else TRYING_SECONDS
                last = await publish_patiently(self._bus, messages, patience)
                if last <= before:
                    # It lost its end: what was stored under this sequence would hide these events.
                    raise StreamUnavailable(f"the stream went back from {before} to {last}")
        except (StreamUnavailable, PublishRefused) as cause:
            raise unavailable("Events can't be stored at the moment. Send them again.") from cause
        position = IngestPosition(self.position.bucket, last)
        if last > self.position.sequence:
            self.position = position
        return position
