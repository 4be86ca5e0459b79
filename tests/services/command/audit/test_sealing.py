"""Reads get their numbers once, in a row without a gap, under one fact, whoever dies when."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from contracts.events.audit import ReadsSealed
from contracts.merkle import root_of
from services.command.audit import sealing
from services.command.audit.sealing import Sealing
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool
from tests.services.command.audit.trail import NOW, answered, reads, seals, told

TEAM, OTHER = 7, 8


class Killed(Exception):
    """The process ends here."""


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        yield opened


def _killing(at: str) -> Callable[[str], None]:
    def crash(point: str) -> None:
        if point == at:
            raise Killed(point)

    return crash


async def test_reads_are_numbered_by_project_and_told_with_their_root(
    store: EventStore, connections: Pool
) -> None:
    await answered(connections, TEAM, 3)
    await answered(connections, OTHER, 1)
    await Sealing(store, connections).seal_all()
    await answered(connections, TEAM, 2, at=NOW + timedelta(minutes=1))
    await Sealing(store, connections).seal_all()
    await Sealing(store, connections).seal_all()
    rows = await reads(connections, TEAM)
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    first, second = await told(store, TEAM, ReadsSealed)
    assert (first.first, first.last, first.count) == (1, 3, 3)
    assert first.root == root_of([row["commitment"] for row in rows[:3]]).hex()
    assert (first.from_, first.to) == (rows[0]["at"], rows[2]["at"])
    assert (second.first, second.last, second.count) == (4, 5, 2)
    assert [seal["sequence"] for seal in await seals(connections, TEAM)] == [1, 2]
    assert len(await told(store, OTHER, ReadsSealed)) == 1


async def test_more_than_one_seal_holds_get_several(
    store: EventStore, connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST", 2)
    await answered(connections, TEAM, 5)
    await Sealing(store, connections).seal_all()
    assert [(each.first, each.last) for each in await told(store, TEAM, ReadsSealed)] == [
        (1, 2),
        (3, 4),
        (5, 5),
    ]


@pytest.mark.parametrize("point", ["planned", "sealed", "marked"])
async def test_whoever_comes_after_a_death_seals_no_read_twice(
    store: EventStore, connections: Pool, point: str
) -> None:
    await answered(connections, TEAM, 3)
    with pytest.raises(Killed):
        await Sealing(store, connections, _killing(point)).seal_all()
    await answered(connections, TEAM, 2, at=NOW + timedelta(minutes=1))
    await Sealing(store, connections).seal_all()
    rows = await reads(connections, TEAM)
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    facts = await told(store, TEAM, ReadsSealed)
    assert [(each.first, each.last) for each in facts] == [(1, 3), (4, 5)]
    assert [seal["sequence"] for seal in await seals(connections, TEAM)] == [1, 2]


async def test_a_seal_is_known_by_the_log_when_its_receipt_is_forgotten(
    store: EventStore, connections: Pool
) -> None:
    await answered(connections, TEAM, 3)
    with pytest.raises(Killed):
        await Sealing(store, connections, _killing("sealed")).seal_all()
    async with connections.connection() as conn:
        await conn.execute("DELETE FROM receipts")
    await Sealing(store, connections).seal_all()
    assert len(await told(store, TEAM, ReadsSealed)) == 1
    assert [seal["sequence"] for seal in await seals(connections, TEAM)] == [1]
