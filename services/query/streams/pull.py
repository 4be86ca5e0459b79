"""A page of a project's facts, as many as fit; and waiting for one."""

import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from contracts.chain import Entry, Link
from contracts.fact_filters import EntryFilter
from services.common.log.entries import project_entries
from services.common.postgres.database import Pool
from services.common.tasks import ring_or
from services.query.streams.feed import Feed

T = TypeVar("T")

MOST_EVENTS = 1_000
MOST_BYTES = 4 * 1024 * 1024
MOST_LOOKED_AT = 50_000

# Read at a time: more are not decoded any faster, and others of this process have their turns.
_STEP = 1_000


class PullRequest(msgspec.Struct, Generic[T], frozen=True):
    """limit: of events. most_looked_at: entries, whether they match or not.

    form: what a page has of an entry. size: its bytes there.
    """

    team_id: int
    wanted: EntryFilter
    limit: int
    form: Callable[[Entry], T]
    size: Callable[[T], int]
    most_looked_at: int = MOST_LOOKED_AT


class Pulled(msgspec.Struct, Generic[T], frozen=True):
    """events: in ascending sequence. through: all up to there was looked at.

    looked_at: how many entries. at_end: nothing followed when it was read.
    """

    events: Sequence[T]
    through: Link
    looked_at: int
    at_end: bool


async def pull(pool: Pool, asked: PullRequest[T], after: Link) -> Pulled[T]:
    """The events beyond `after` that match, as many as fit: one at least, if there is one."""
    events: list[T] = []
    through, size, looked_at = after, 0, 0
    while looked_at < asked.most_looked_at:
        step = min(_STEP, asked.most_looked_at - looked_at)
        if asked.wanted.everything:
            step = min(step, asked.limit - len(events))
        entries = await project_entries(pool, asked.team_id, through.team_seq, step)
        for entry in entries:
            if asked.wanted.matches(entry):
                event = asked.form(entry)
                size += asked.size(event)
                if events and size > MOST_BYTES:
                    return Pulled(events, through, looked_at, at_end=False)
                events.append(event)
            through = Link(entry.team_seq, entry.hash)
            looked_at += 1
            if len(events) == asked.limit:
                return Pulled(events, through, looked_at, at_end=False)
        if len(entries) < step:
            return Pulled(events, through, looked_at, at_end=True)
    return Pulled(events, through, looked_at, at_end=False)


async def waited(
    pool: Pool, feed: Feed, asked: PullRequest[T], found: Pulled[T], seconds: float
) -> Pulled[T]:
    """As soon as something matches; empty after so many seconds, or when enough was looked at.

    found: an empty page, behind which it waits.
    """
    deadline = time.monotonic() + seconds
    left = asked.most_looked_at - found.looked_at
    with feed.watching(asked.team_id) as moved:
        await feed.reading_within(seconds)
        while left > 0 and not found.events and not feed.closed:
            moved.clear()
            again = msgspec.structs.replace(asked, most_looked_at=left)
            found = await pull(pool, again, found.through)
            left -= found.looked_at
            remaining = deadline - time.monotonic()
            if (
                found.at_end
                and not found.events
                and not (remaining > 0 and await ring_or(moved, remaining))
            ):
                break
    return found
