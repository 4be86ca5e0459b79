"""The way from a request that was understood to events that are durable."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence

import psycopg
from nats.aio.client import Client
from prometheus_client import Counter

from contracts.ingest_position import IngestPosition
from contracts.product_events import CapturedEvent
from services.command.capture.bucket_stream import OPENING_SECONDS, BucketStream
from services.command.capture.messages import payloads
from services.command.capture.refusals import BadToken
from services.common.accounts.accounts import Accounts, Project
from services.common.http import apart
from services.common.http.problems import Rejected, unavailable
from services.common.stream import OutgoingMessage
from services.common.tasks import stop, watched

CAPTURED = Counter("recount_captured_events", "Product events made durable.")
REFUSED = Counter("recount_capture_refused", "Capture requests and events refused.", ["reason"])


def _messages(
    subject: str, events: Sequence[CapturedEvent], received: int
) -> list[OutgoingMessage]:
    return [OutgoingMessage(subject, payload) for payload in payloads(events, received)]


class CaptureDoor:
    """Publishes a project's events to the stream of its bucket. prefix: of streams and subjects.

    whole: see BucketStream.open.
    """

    def __init__(
        self,
        bus: Client,
        accounts: Accounts,
        whole: Callable[[int], Awaitable[int]],
        prefix: str = "",
    ) -> None:
        self._bus = bus
        self._accounts = accounts
        self._whole = whole
        self._prefix = prefix
        self._streams: dict[int, BucketStream] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}

    async def open(self, buckets: Iterable[int], seconds: float) -> None:
        """Returns once all of them take events, after so many seconds at the most: what is away is
        waited for in the background.
        """
        for bucket in buckets:
            self._stream(bucket)
        if self._opening:
            await asyncio.wait(self._opening.values(), timeout=seconds)

    async def close(self) -> None:
        for opening in self._opening.values():
            await stop(opening)

    @property
    def reason(self) -> str | None:
        """Why events of a bucket are not taken; None while all are."""
        reasons = (each.outage.reason for each in self._streams.values())
        return next((reason for reason in reasons if reason is not None), None)

    async def project(self, token: str) -> Project:
        """The project of the token. Raises BadToken, and Rejected (503)."""
        try:
            project = await self._accounts.project_by_token(token)
        except psycopg.OperationalError as cause:
            # Not 429, at which browsers would lose their events.
            raise unavailable("Projects can't be looked up. Send the events again.") from cause
        if project is None:
            # PostHog would answer 200 and lose the events; SDKs report a 401.
            raise BadToken("invalid_api_key", "There is no project with this token.")
        return project

    async def keep(
        self, project: Project, events: Sequence[CapturedEvent], received: int
    ) -> IngestPosition:
        """Make the events durable, all of them or none; the position they are reached with.

        Without events: one that was reached before. Raises Rejected (503).
        """
        if project.bucket not in self._streams:
            # One that was added since this process started.
            await asyncio.wait({self._stream(project.bucket)}, timeout=OPENING_SECONDS)
        stream = self._streams[project.bucket]
        if not events:
            return stream.position
        size = sum(len(event.properties) + len(event.sent) for event in events)
        subject = stream.subject(project.id)
        messages = await apart.work(size, _messages, subject, events, received)
        position = await stream.publish(messages)
        CAPTURED.inc(len(events))
        return position

    async def try_again(self) -> None:
        """Publish to each stream that took nothing; returns when all have answered."""
        refusing = [each for each in self._streams.values() if each.outage.reason is not None]
        await asyncio.gather(*(_try_again(each) for each in refusing))

    def _stream(self, bucket: int) -> "asyncio.Task[None]":
        """The opening of the bucket's stream."""
        if bucket not in self._streams:
            stream = BucketStream(self._bus, bucket, self._prefix)
            self._streams[bucket] = stream
            self._opening[bucket] = watched(f"capture {bucket}", stream.open(self._whole))
        return self._opening[bucket]


async def _try_again(stream: BucketStream) -> None:
    with contextlib.suppress(Rejected):
        await stream.try_again()
