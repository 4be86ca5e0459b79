"""Reads go when they are too old, by whole seals, and a fact says how many went."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events.audit import ReadsExpired
from services.command.audit.expiring import Expiring
from services.command.audit.sealing import Sealing
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool
from tests.services.command.audit.trail import answered, reads, told

TEAM = 7


class Killed(Exception):
    """The process ends here."""


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


@pytest.fixture
async def sealed(postgres_url: str, store: EventStore) -> AsyncIterator[Pool]:
    """Numbers 1 to 3 are ten days old, 4 and 5 of now."""
    now = datetime.now(UTC)
    async with pool(postgres_url) as opened:
        for at, count in ((now - timedelta(days=10), 3), (now, 2)):
            await answered(opened, TEAM, count, at=at)
            await Sealing(store, opened).seal_all()
        yield opened


async def test_old_reads_go_and_are_told(store: EventStore, sealed: Pool) -> None:
    await Expiring(store, sealed, 30).expire_all()
    assert len(await reads(sealed, TEAM)) == 5
    for _ in range(2):
        await Expiring(store, sealed, 5).expire_all()
    assert [row["number"] for row in await reads(sealed, TEAM)] == [4, 5]
    assert await told(store, TEAM, ReadsExpired) == [ReadsExpired(through=3, count=3)]


async def test_for_ever_is_no_time(store: EventStore, sealed: Pool) -> None:
    await Expiring(store, sealed, 0).expire_all()
    assert len(await reads(sealed, TEAM)) == 5


@pytest.mark.parametrize("point", ["planned", "expired", "deleted"])
async def test_whoever_comes_after_a_death_tells_it_once(
    store: EventStore, sealed: Pool, point: str
) -> None:
    def crash(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    with pytest.raises(Killed):
        await Expiring(store, sealed, 5, crash).expire_all()
    await Expiring(store, sealed, 5).expire_all()
    assert [row["number"] for row in await reads(sealed, TEAM)] == [4, 5]
    assert await told(store, TEAM, ReadsExpired) == [ReadsExpired(through=3, count=3)]


async def test_numbers_go_on_when_everything_has_expired(
    store: EventStore, postgres_url: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=10)
    async with pool(postgres_url) as opened:
        for expected in ([1, 2], [3, 4]):
            await answered(opened, TEAM, 2, at=long_ago)
            await Sealing(store, opened).seal_all()
            assert [row["number"] for row in await reads(opened, TEAM)] == expected
            await Expiring(store, opened, 5).expire_all()
            assert await reads(opened, TEAM) == []
