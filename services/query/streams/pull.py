"""A page of a project's facts, as many as fit."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.chain import Link
from contracts.cloud_events import encode_cloud_event, event_source
from contracts.fact_filters import FactFilter
from services.common.log.entries import project_entries
from services.common.postgres.database import Pool

MOST_EVENTS = 1_000
MOST_BYTES = 4 * 1024 * 1024
MOST_LOOKED_AT = 50_000

# Read at a time: more are not decoded any faster, and others of this process have their turns.
_STEP = 1_000


class PullRequest(msgspec.Struct, frozen=True):
    """limit: of events. most_looked_at: entries, whether they match or not."""

    team_id: int
    wanted: FactFilter
    limit: int
    most_looked_at: int = MOST_LOOKED_AT


class PulledEvents(msgspec.Struct, frozen=True):
    """events: as they travel, in ascending sequence. through: all up to there was looked at.

    looked_at: how many entries. at_end: nothing followed when it was read.
    """

    events: Sequence[bytes]
    through: Link
    looked_at: int
    at_end: bool


async def pull(pool: Pool, installation: UUID, asked: PullRequest, after: Link) -> PulledEvents:
    """The events beyond `after` that match, as many as fit: one at least, if there is one."""
    source = event_source(installation, asked.team_id)
    events: list[bytes] = []
    through, size, looked_at = after, 0, 0
    while looked_at < asked.most_looked_at:
        step = min(_STEP, asked.most_looked_at - looked_at)
        if asked.wanted.everything:
            step = min(step, asked.limit - len(events))
        entries = await project_entries(pool, asked.team_id, through.team_seq, step)
        for entry in entries:
            if asked.wanted.matches(entry):
                event = encode_cloud_event(entry, source)
                size += len(event) + 1
                if events and size > MOST_BYTES:
                    return PulledEvents(events, through, looked_at, at_end=False)
                events.append(event)
            through = Link(entry.team_seq, entry.hash)
            looked_at += 1
            if len(events) == asked.limit:
                return PulledEvents(events, through, looked_at, at_end=False)
        if len(entries) < step:
            return PulledEvents(events, through, looked_at, at_end=True)
    return PulledEvents(events, through, looked_at, at_end=False)
