"""Background work: it outlives an outage, and never ends in silence."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from services.common.accounts.accounts import Accounts
from services.common.http.budgets import UNLIMITED
from services.common.http.limits import RequestLimits
from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool, pool
from services.common.tasks import DIED, background, every, failure, ring_or, stop, watched
from tests.services.common.log.cable import Cable, cable
from tests.waiting import seen


class Away(Exception):
    """What a server that is away makes of a call."""


@pytest.fixture
async def cut_off(postgres_url: str) -> AsyncIterator[tuple[Cable, str, Pool]]:
    """A cable to PostgreSQL, the URL at its end, and a pool there that gives up soon."""
    async with cable(postgres_url) as (laid, url), pool(url) as connections:
        connections.timeout = 0.1
        yield laid, url, connections


async def test_a_loop_outlives_an_outage_and_says_what_it_waits_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = 0

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            raise Away("no route to host")

    async with background("sweep", every(0.001, work, away=(Away,))) as task:
        await until(lambda: attempts > 4)
        assert not task.done()
    (line,) = [record for record in caplog.records if record.name == "recount.tasks"]
    assert line.levelname == "WARNING"
    assert "task_waits" in line.getMessage()
    assert "sweep" in line.getMessage()
    assert "Away: no route to host" in line.getMessage()


async def test_after_an_outage_it_pauses_whatever_rings() -> None:
    attempts = 0
    rung = asyncio.Event()

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        rung.set()
        raise Away

    async with background("busy", every(0.001, work, away=(Away,), rung=rung, pause=60)):
        await asyncio.sleep(0.05)
    assert attempts == 1


async def test_a_ring_comes_before_the_time_is_over() -> None:
    attempts = 0
    rung = asyncio.Event()

    async def work() -> None:
        nonlocal attempts
        attempts += 1

    async with background("rung", every(60, work, away=(Away,), rung=rung)):
        await until(lambda: attempts == 1)
        rung.set()
        await until(lambda: attempts == 2)
    assert not await ring_or(asyncio.Event(), 0.001)


async def test_a_death_is_told_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise LookupError("a defect")

    task = watched("doomed", every(0.001, work, away=(Away,)))
    await asyncio.wait({task})
    await asyncio.sleep(0)

    assert isinstance(failure(task), LookupError)
    assert DIED.labels("doomed")._value.get() == 1
    (line,) = [record for record in caplog.records if record.name == "recount.tasks"]
    assert line.levelname == "CRITICAL"
    assert "task_died" in line.getMessage()
    assert "doomed" in line.getMessage()
    assert "a defect" in line.getMessage()


async def test_who_is_stopped_has_not_died(caplog: pytest.LogCaptureFixture) -> None:
    task = watched("stopped", asyncio.sleep(60))
    await stop(task)
    assert failure(task) is None
    assert not caplog.records


async def test_old_request_counts_are_forgotten_after_an_outage_as_before(
    cut_off: tuple[Cable, str, Pool],
) -> None:
    laid, _, connections = cut_off
    async with RequestLimits(connections, UNLIMITED).forgetting(seconds=0.05):
        await _count_long_ago(connections)
        await seen(lambda: _none_counted(connections), bool)
        laid.unplugged = True
        laid.cut()
        await asyncio.sleep(0.5)  # several turns
        laid.unplugged = False
        await _count_long_ago(connections)
        await seen(lambda: _none_counted(connections), bool)


async def test_a_bell_rings_after_an_outage_as_before(
    postgres_url: str, cut_off: tuple[Cable, str, Pool]
) -> None:
    laid, url, _ = cut_off
    bell = Bell(url, "recount_test")
    with bell.listener() as rung:
        async with bell.listening(), pool(postgres_url) as uncut, uncut.connection() as conn:
            assert await ring_or(rung, 10)
            laid.unplugged = True
            laid.cut()
            rung.clear()
            laid.unplugged = False
            assert await ring_or(rung, 10), "what happened meanwhile was not heard"
            rung.clear()
            await conn.execute("NOTIFY recount_test")
            assert await ring_or(rung, 10)


async def test_accounts_are_forgotten_when_they_change_after_an_outage_too(
    postgres_url: str, cut_off: tuple[Cable, str, Pool]
) -> None:
    laid, url, connections = cut_off
    accounts = Accounts(connections, url)
    async with accounts.listening(), pool(postgres_url) as uncut, uncut.connection() as conn:
        await until(lambda: accounts.edition == 1)
        laid.cut()
        await until(lambda: accounts.edition == 2)
        await conn.execute("NOTIFY recount_accounts")
        await until(lambda: accounts.edition == 3)


async def until(holds: Callable[[], bool]) -> None:
    async def look() -> bool:
        return holds()

    await seen(look, bool)


async def _count_long_ago(connections: Pool) -> None:
    async with connections.connection(timeout=10) as conn:
        await conn.execute("INSERT INTO request_counts VALUES ('key:1:others', 60, 1, 1)")


async def _none_counted(connections: Pool) -> bool:
    async with connections.connection(timeout=10) as conn:
        cursor = await conn.execute("SELECT count(*) FROM request_counts")
        return await cursor.fetchone() == (0,)
