"""Several writers of one log in several processes, raced against each other and killed."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from itertools import groupby, pairwise
from uuid import UUID

import pytest

from contracts.chain import BEGINNING, Entry, verify
from services.common.log.store import EventStore
from tests.services.common.log.appends import insight
from tests.services.common.log.log_process import Conflict, Landed, Orders, Replayed, Said
from tests.services.common.log.log_processes import WriterProcess, died_at, writer_process

POINTS = ("locked", "judged", "committed")
SHARED = Orders(streams=(1, 2, 3))


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


def run_together(url: str, *orders: Orders) -> list[list[Said]]:
    with ExitStack() as stack:
        processes = [stack.enter_context(writer_process(url, each)) for each in orders]
        for process in processes:
            process.go()
        return [process.said() for process in processes]


def landed(said: Sequence[Said]) -> dict[UUID, tuple[int, ...]]:
    return {each.operation_id: each.positions for each in said if isinstance(each, Landed)}


async def check_log(store: EventStore, facts_per_append: int = 2) -> dict[UUID, tuple[int, ...]]:
    """Gapless, whole and proved; returns the positions of each operation that is in it."""
    entries = await store.entries(after=0, limit=100_000)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert all(left.at < right.at for left, right in pairwise(entries))
    _check_versions(entries)
    verify(entries, BEGINNING)
    found = {
        operation: tuple(entry.position for entry in of_one)
        for operation, of_one in groupby(entries, lambda entry: entry.operation_id)
    }
    assert {len(positions) for positions in found.values()} <= {facts_per_append}
    assert sum(map(len, found.values())) == len(entries)
    return found


def _check_versions(entries: Sequence[Entry]) -> None:
    seen: Counter[UUID] = Counter()
    for entry in entries:
        seen[entry.stream_id] += 1
        assert entry.version == seen[entry.stream_id]


async def test_writers_with_stale_heads_tell_each_conflict_to_its_own_caller(
    store: EventStore, postgres_url: str
) -> None:
    one, other = run_together(postgres_url, SHARED, SHARED)
    in_log = await check_log(store)
    assert landed(one) | landed(other) == in_log

    conflicts = [each for each in one + other if isinstance(each, Conflict)]
    assert conflicts, "nobody was late: the test shows nothing"
    assert all(each.operation_id not in in_log for each in conflicts)
    assert all(each.actual > each.expected for each in conflicts)
    assert len(in_log) == 2 * SHARED.producers * SHARED.appends


async def test_a_reader_sees_positions_in_commit_order_and_never_a_gap(
    store: EventStore, postgres_url: str
) -> None:
    orders = Orders(streams=tuple(range(1, 9)), producers=8, appends=10)
    expected = 2 * orders.producers * orders.appends * orders.facts
    with (
        writer_process(postgres_url, orders) as one,
        writer_process(postgres_url, orders) as other,
    ):
        one.go()
        other.go()
        seen = 0
        while seen < expected:
            entries = await store.read(after=seen, limit=50)
            assert [entry.position for entry in entries] == [
                seen + n for n in range(1, len(entries) + 1)
            ]
            seen += len(entries)
        one.said()
        other.said()
    await check_log(store)


async def test_one_key_in_two_processes_at_the_same_moment_has_one_effect(
    store: EventStore, postgres_url: str
) -> None:
    first = Orders(streams=(1,), producers=1, appends=1, receipt="k")
    second = Orders(streams=(2,), producers=1, appends=1, receipt="k")
    said = [each for heard in run_together(postgres_url, first, second) for each in heard]
    (winner,) = [each for each in said if isinstance(each, Landed)]
    (loser,) = [each for each in said if isinstance(each, Replayed)]
    assert loser.receipt.position == winner.positions[-1]
    assert set(await check_log(store)) == {winner.operation_id}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("time", [1, 3])
async def test_what_was_acknowledged_before_a_kill_is_in_the_log(
    store: EventStore, postgres_url: str, point: str, time: int
) -> None:
    dying = Orders(streams=(1, 2, 3), die_at=point, die_after=time)
    killed, survivor = run_together(postgres_url, dying, SHARED)
    assert died_at(point, killed)
    in_log = await check_log(store)
    acknowledged = landed(killed) | landed(survivor)
    assert acknowledged.items() <= in_log.items()
    # Only what was being committed at the kill may be there without an answer.
    assert len(in_log) - len(acknowledged) <= dying.producers


@pytest.mark.parametrize(("point", "remains"), [("locked", 0), ("judged", 0), ("committed", 1)])
async def test_a_key_whose_answer_was_lost_in_a_kill_is_safe_to_send_again(
    store: EventStore, postgres_url: str, point: str, remains: int
) -> None:
    once = Orders(streams=(1,), producers=1, appends=1, receipt="k")
    dying = Orders(streams=(1,), producers=1, appends=1, receipt="k", die_at=point)
    (killed,) = run_together(postgres_url, dying)
    assert died_at(point, killed)
    assert len(await check_log(store)) == remains

    (again,) = run_together(postgres_url, once)
    assert len(await check_log(store)) == 1
    (answer,) = again
    if remains:
        assert isinstance(answer, Replayed)
        assert (answer.receipt.stream_id, answer.receipt.version) == (insight(1).id, 2)
    else:
        assert isinstance(answer, Landed)


async def test_killed_at_random_moments_nothing_acknowledged_is_lost(
    store: EventStore, postgres_url: str
) -> None:
    chance = random.Random(20)
    endless = Orders(streams=(1, 2, 3, 4), producers=6, appends=100_000)
    acknowledged: dict[UUID, tuple[int, ...]] = {}
    for _ in range(4):
        with (
            writer_process(postgres_url, endless) as one,
            writer_process(postgres_url, endless) as other,
        ):
            for process in (one, other):
                process.go()
            for process in (one, other):
                acknowledged |= landed(_hear_and_kill(process, chance.randint(1, 80)))
    in_log = await check_log(store)
    assert len(acknowledged) > 50
    assert acknowledged.items() <= in_log.items()


def _hear_and_kill(process: WriterProcess, lines: int) -> list[Said]:
    heard = [said for _ in range(lines) if (said := process.next()) is not None]
    process.kill()
    return heard + process.said()
