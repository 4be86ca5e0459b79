"""Entries onto the public stream: as CloudEvents, in log order, each at its own position."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import replace
from nats.js.api import Header

from contracts.chain import Entry
from contracts.cloud_events import (
    MEDIA_TYPE,
    encode_cloud_event,
    encode_with_dataref,
    event_source,
)
from contracts.subjects import HASH_HEADER, fact_subject
from services.command.bus.facts_bus import FactsBus
from services.common import tracing
from services.common.postgres.installation import installation
from services.common.stream import Outage, OutgoingMessage, publish_whole

# One fsync of the stream each; more of them at once would only wait longer for it.
MOST_ENTRIES = 128
# NATS counts headers into its limit; ours are this long at most.
HEADERS_BYTES = 1024

CONTENT_TYPE = "content-type"
TRACE_PARENT = "traceparent"


class Publisher:
    """Publishes what the log holds beyond the stream's last sequence.

    published: the stream's last sequence, as far as this publisher knows.
    outage: whether the stream takes what is published.
    crash_at: told "read" and "published" as each is reached, for crash tests.
    """

    def __init__(self, bus: FactsBus, crash_at: Callable[[str], None] = lambda point: None) -> None:
        self.published = 0
        self.outage = Outage("the public stream")
        self._bus = bus
        self._crash_at = crash_at
        self._installation: UUID | None = None

    async def catch_up(self, on_progress: Callable[[int], None] = lambda position: None) -> None:
        """Until the log has no more. Raises PublishRefused, and what AWAY names."""
        while entries := await self._bus.store.entries(self.published, MOST_ENTRIES):
            self._crash_at("read")
            await self._publish(entries)
            on_progress(self.published)

    async def _publish(self, entries: Sequence[Entry]) -> None:
        if self._installation is None:
            self._installation = await installation(self._bus.pool)
        began = time.time_ns()
        traced = tracing.followed(entries, datetime.now(UTC))
        messages = [self._message(entry, self._installation) for entry in entries]
        expected = {Header.EXPECTED_LAST_SEQUENCE.value: str(self.published)}
        messages[0] = replace(messages[0], headers={**messages[0].headers, **expected})
        with self.outage.watching():
            last = await publish_whole(self._bus.client, messages)
        self._crash_at("published")
        for append, entry in traced.items():
            tracing.follow_up("relay publish", append, entry, began)
        self.published = last

    def _message(self, entry: Entry, installed: UUID) -> OutgoingMessage:
        source = event_source(installed, entry.team_id)
        payload = encode_cloud_event(entry, source)
        if len(payload) + HEADERS_BYTES > self._bus.client.max_payload:
            # It keeps its place and its proof; the fact itself is where `dataref` says.
            payload = encode_with_dataref(entry, source)
        return OutgoingMessage(
            subject=f"{self._bus.prefix}{fact_subject(entry.team_id, entry.name)}",
            payload=payload,
            headers={
                CONTENT_TYPE: MEDIA_TYPE,
                Header.MSG_ID.value: str(entry.position),
                HASH_HEADER: entry.hash.hex(),
                **_trace(entry),
            },
        )


def _trace(entry: Entry) -> dict[str, str]:
    """The header by which a subscriber goes on with the trace."""
    append = tracing.append_place(entry.correlation_id, entry.operation_id)
    return {} if append is None else {TRACE_PARENT: append.written()}
