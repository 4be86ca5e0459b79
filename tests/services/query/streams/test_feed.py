"""The feed without HTTP: what is handed over, what is kept, and that nothing is skipped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from contracts.chain import BEGINNING, Entry, Link
from contracts.cloud_events import event_source
from contracts.events.insight import InsightRenamed
from contracts.events.streams import insight_stream
from contracts.fact_filters import EVERYTHING, FactFilter, parse_types
from domain.erasure.redaction import redacted
from services.common.log.erasing import ErasedEntry, Erasure, erase
from services.common.log.searching import entries_at
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.bell import Bell
from services.common.tasks import background
from services.query.streams.feed import Feed
from services.query.streams.follower import BufferLimits, Follower
from services.query.streams.frames import FramedEntry, event_frame, framed
from tests.examples import ALICE, INSIGHT, created
from tests.services.projector.projecting import Projecting, projecting
from tests.waiting import seen

ID = UUID(int=1)
LIMITS = BufferLimits()


@pytest.fixture
async def projector(postgres_url: str) -> AsyncIterator[Projecting]:
    async with projecting(postgres_url) as opened:
        await opened.append(created())
        await opened.append(created(), of=insight_stream(2, INSIGHT))
        yield opened


@contextlib.asynccontextmanager
async def feeding(projector: Projecting, kept_events: int = 100) -> AsyncIterator[Feed]:
    bell = Bell(projector.url, BELL_CHANNEL)
    with bell.listener() as rung:
        feed = Feed(projector.pool, ID, rung, kept_events=kept_events)
        async with bell.listening(), background("feed", feed.run()):
            yield feed


def follower(
    after: Link = BEGINNING, wanted: FactFilter = EVERYTHING, limits: BufferLimits = LIMITS
) -> Follower:
    return Follower(1, wanted, after, limits)


async def rename(projector: Projecting, *names: str) -> None:
    for name in names:
        await projector.append(InsightRenamed(name, None))


async def passed(feed: Feed, sequence: int) -> None:
    async def last() -> int:
        return feed.last(1)

    await seen(last, lambda found: found == sequence)


async def end(projector: Projecting) -> Link:
    entry = (await projector.store.project_entries(1, 0))[-1]
    return Link(entry.team_seq, entry.hash)


def sent(entries: list[Entry]) -> bytes:
    return b"".join(event_frame(entry, event_source(ID, 1)) for entry in entries)


async def test_who_has_joined_is_handed_what_comes_and_what_matches(
    projector: Projecting,
) -> None:
    async with feeding(projector) as feed:
        head = await end(projector)
        every, some = follower(head), follower(head, FactFilter(parse_types("sharing.*")))
        with feed.following(every), feed.following(some):
            await feed.reading()
            feed.join(every)
            feed.join(some)
            await projector.append(InsightRenamed("x", None), of=insight_stream(2, INSIGHT))
            await rename(projector, "a", "b")
            await passed(feed, 3)
            batch = every.waiting()
            assert batch is not None
            assert batch.chunk == sent(await projector.store.project_entries(1, 1))
            assert (len(batch.passed), batch.last, batch.through) == (2, 3, await end(projector))
            assert (some.waiting(), some.through) == (None, await end(projector))


async def test_who_was_not_there_reads_a_page_first(projector: Projecting) -> None:
    await rename(projector, "a")
    async with feeding(projector) as feed:
        late = follower()
        with feed.following(late):
            await feed.reading()
            assert feed.next_frames(late) is None
            await rename(projector, "b")
            await passed(feed, 3)
            # The third is kept; the first two are not.
            assert feed.next_frames(late) is None
            feed.join(late)
            assert not late.joined
            entries = await projector.store.project_entries(1, 0)
            late.through = Link(2, entries[1].hash)
            batch = feed.next_frames(late)
            assert batch is not None
            assert batch.chunk == sent(entries[2:])
            assert late.joined


async def test_what_is_not_kept_any_more_is_read_from_the_log(projector: Projecting) -> None:
    head = await end(projector)
    async with feeding(projector, kept_events=2) as feed:
        slow = follower(head)
        with feed.following(slow):
            await feed.reading()
            await rename(projector, "a", "b", "c")
            await passed(feed, 4)
            assert feed.next_frames(slow) is None
            slow.through = Link(2, bytes(32))
            batch = feed.next_frames(slow)
            assert batch is not None
            assert batch.chunk == sent(await projector.store.project_entries(1, 2))


async def test_what_was_erased_is_kept_no_longer(projector: Projecting) -> None:
    head = await end(projector)
    async with feeding(projector) as feed:
        early = follower(head)
        with feed.following(early):
            await feed.reading()
            await rename(projector, "secret", "b")
            await passed(feed, 3)
            (entry,) = await entries_at(projector.pool, 1, [2])
            left = ErasedEntry(entry, redacted(entry.event))
            operation = uuid4()
            erasure = Erasure(
                team_id=1, number=1, actor=ALICE, operation_id=operation,
                correlation_id=operation, causation_id=None,
            )  # fmt: skip
            await erase(projector.url, erasure, [left])
            await passed(feed, 4)
            # A page is read from the log, which has it no more; behind that, what is kept.
            assert feed.next_frames(early) is None
            early.through = Link(3, bytes(32))
            batch = feed.next_frames(early)
            assert batch is not None
            assert b"secret" not in batch.chunk
            assert b"payload_erased" in batch.chunk


async def test_what_came_while_nobody_followed_is_not_taken_for_kept(
    projector: Projecting,
) -> None:
    head = await end(projector)
    async with feeding(projector) as feed:
        with feed.watching(2):
            with feed.following(follower(head)):
                await feed.reading()
                await rename(projector, "a")
                await passed(feed, 2)
            await rename(projector, "b")
            again = follower(head)
            with feed.following(again):
                await rename(projector, "c")
                await passed(feed, 4)
                assert feed.next_frames(again) is None


async def test_a_watcher_is_told_of_its_project_alone(projector: Projecting) -> None:
    async with feeding(projector) as feed:
        with feed.watching(1) as ours, feed.watching(2) as theirs:
            await feed.reading_within(10)
            await rename(projector, "a")
            async with asyncio.timeout(10):
                await ours.wait()
            assert not theirs.is_set()


async def test_a_hole_is_never_stepped_over(projector: Projecting) -> None:
    await rename(projector, "a", "b")
    first, second, third = await passing(projector)
    one = follower(first.link)
    one.joined = True
    one.take(third)
    assert (one.joined, one.through, one.waiting()) == (False, first.link, None)
    for each in (second, second, third):
        one.take(each)
    batch = one.waiting()
    assert batch is not None
    assert batch.chunk == second.frame + third.frame


@pytest.mark.parametrize("by", ["events", "bytes"])
async def test_one_more_than_may_wait_ends_it_before_that_one(
    projector: Projecting, by: str
) -> None:
    await rename(projector, "a", "b")
    first, second, third = await passing(projector)
    size = len(first.frame) + len(second.frame)
    slow = follower(limits=BufferLimits(events=2) if by == "events" else BufferLimits(9, size))
    slow.take(first)
    slow.take(second)
    assert not slow.over.is_set()
    slow.take(third)
    slow.end("restart")
    assert {"too_slow": slow.through} == {slow.ended: second.link}


async def passing(projector: Projecting) -> list[FramedEntry]:
    """The project's entries, as the feed passes them."""
    entries = await projector.store.project_entries(1, 0)
    return [framed(entry, event_source(ID, 1)) for entry in entries]
