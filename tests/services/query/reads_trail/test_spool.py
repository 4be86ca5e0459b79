"""What waits for PostgreSQL: in a file, until it is there; and what happens when it can't."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from psycopg.rows import dict_row

from contracts.reads import Read, UserReader
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.http.proxies import NOBODY
from services.common.postgres.database import Pool, pool
from services.query import reading, recording
from services.query.reads_trail import spool as spools
from services.query.reads_trail.lines import spooled
from services.query.reads_trail.rows import TrailRows
from services.query.reads_trail.segments import Segment
from services.query.reads_trail.spool import Spool, TrailUnavailable
from services.query.settings import QuerySettings
from tests.services.projector.projecting import projecting
from tests.services.query.reads.reading import NO_ENGINE, accounts
from tests.services.query.reads_trail.rows import recorded, rows
from tests.waiting import seen

LARGE = 2**30


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        yield opened


def _read(item: int = 1) -> Read:
    return Read(
        at=datetime.now(UTC),
        actor=UserReader(user_id=1, key_id="k"),
        surface="api",
        what="insight",
        items=(item,),
        status=200,
    )


async def _runs(connections: Pool) -> list[dict[str, Any]]:
    async with connections.connection() as conn:
        cursor = conn.cursor(row_factory=dict_row)
        await cursor.execute("SELECT * FROM read_runs ORDER BY started_at")
        return await cursor.fetchall()


@contextlib.asynccontextmanager
async def _table_locked(connections: Pool) -> AsyncIterator[None]:
    """PostgreSQL answers, and takes no row of the trail."""
    async with connections.connection() as conn, conn.transaction():
        await conn.execute("LOCK TABLE reads IN ACCESS EXCLUSIVE MODE")
        yield


async def test_those_of_a_turn_share_one_write(
    connections: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = Segment.write

    def counted(segment: Segment, lines: list[Any]) -> None:
        written.append(len(lines))
        write(segment, lines)

    monkeypatch.setattr(Segment, "write", counted)
    spool = Spool(tmp_path, TrailRows(connections), LARGE)
    async with spool.open():
        await asyncio.gather(*(spool.record(1, _read(n), stored=False) for n in range(16)))
        assert written == [16]
    assert [row["items"] for row in await rows(connections)] == [[n] for n in range(16)]


async def test_what_does_not_get_through_waits_and_then_does(
    connections: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "PATIENCE_SECONDS", 0.5)
    spool = Spool(tmp_path, TrailRows(connections), LARGE)
    async with spool.open():
        async with _table_locked(connections):
            await spool.record(1, _read(), stored=False)
            with pytest.raises(TrailUnavailable):
                await spool.record(1, _read(2), stored=True)
        await spool.record(1, _read(3), stored=True)
        assert [row["items"] for row in await rows(connections)] == [[1], [2], [3]]
    assert os.listdir(tmp_path) == []
    (run,) = await _runs(connections)
    assert run["recording"]
    assert run["ended_at"] is not None


async def test_a_full_spool_takes_nothing_more(connections: Pool, tmp_path: Path) -> None:
    spool = Spool(tmp_path, TrailRows(connections), 1)
    async with spool.open():
        async with _table_locked(connections):
            await spool.record(1, _read(), stored=False)
            with pytest.raises(TrailUnavailable):
                await spool.record(1, _read(2), stored=False)
        await recorded(connections, 1)
    assert [row["items"] for row in await rows(connections)] == [[1]]


async def test_what_the_disk_refuses_is_not_answered(
    connections: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, TrailRows(connections), LARGE)

    def full(_: Segment, __: object) -> None:
        raise OSError(28, "No space left on device")

    async with spool.open():
        with monkeypatch.context() as patched:
            patched.setattr(Segment, "write", full)
            with pytest.raises(TrailUnavailable):
                await spool.record(1, _read(), stored=False)
        await spool.record(1, _read(2), stored=True)
    assert [row["items"] for row in await rows(connections)] == [[2]]


async def test_a_dead_process_is_told_and_its_reads_are_taken_over(
    connections: Pool, tmp_path: Path
) -> None:
    table, run = TrailRows(connections), uuid4()
    await table.begin(run, recording=True)
    dead = tmp_path / f"{run}-1.ndjson"
    lines = [spooled(n, 1, _read(n)).line for n in (1, 2, 3)]
    # Powers fail in the middle of a line; what has no end belongs to an answer that never left.
    dead.write_bytes(lines[0] + b"\0\0\0\n" + lines[1] + lines[2][:20])
    await table.insert(run, iter([spooled(1, 1, _read(1))]))

    async def folder() -> list[str]:
        return os.listdir(tmp_path)

    async with Spool(tmp_path, table, LARGE).open():
        await seen(folder, lambda found: f"{run}-1.unreadable" in found)
    assert sorted(row["n"] for row in await rows(connections)) == [1, 2]
    told = {each["run"]: each for each in await _runs(connections)}[run]
    assert told["ended_at"] is None
    assert told["taken_over_at"] is not None
    assert os.listdir(tmp_path) == [f"{run}-1.unreadable"]


async def test_a_living_process_keeps_its_own(connections: Pool, tmp_path: Path) -> None:
    table = TrailRows(connections)
    one, other = Spool(tmp_path, table, LARGE), Spool(tmp_path, table, LARGE)
    async with one.open():
        await one.record(1, _read(), stored=False)
        async with other.open():
            await other.record(1, _read(2), stored=True)
        await one.record(1, _read(3), stored=True)
    assert all(each["taken_over_at"] is None for each in await _runs(connections))
    assert sorted(row["items"] for row in await rows(connections)) == [[1], [2], [3]]


async def test_more_than_memory_keeps_is_read_from_the_file(
    connections: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.query.reads_trail.segments.KEPT_IN_MEMORY", 2)
    spool = Spool(tmp_path, TrailRows(connections), LARGE)
    async with spool.open():
        for n in range(1, 6):
            await spool.record(1, _read(n), stored=False)
    assert [row["items"] for row in await rows(connections)] == [[n] for n in range(1, 6)]


@contextlib.asynccontextmanager
async def _asked(url: str, spool: Path, **chosen: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = QuerySettings(database_url=url, clickhouse_url="", reads_spool=str(spool), **chosen)
    parts = [recording.part(settings, NOBODY), reading.part(settings), NO_ENGINE]
    app = compose([foundation(url), *parts])
    async with projecting(url) as projector:
        key = (await accounts(projector))["alice"]
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}", "X-PostHog-Client": "add-on\t1"}
        async with (
            app.lifespan(),
            httpx.AsyncClient(
                transport=transport, base_url="http://recount.test/api/projects/1/", headers=headers
            ) as client,
        ):
            yield client


async def test_nothing_is_shown_that_can_not_be_told(
    connections: Pool, postgres_url: str, tmp_path: Path
) -> None:
    async with _asked(postgres_url, tmp_path, reads_spool_bytes=1) as client:
        async with _table_locked(connections):
            assert (await client.get("insights/")).status_code == 200
            refused = await client.get("insights/")
            assert (refused.status_code, refused.json()["code"]) == (503, "audit_unavailable")
            assert int(refused.headers["retry-after"]) > 0
        await recorded(connections, 1)
    assert [row["status"] for row in await rows(connections)] == [200]


async def test_always_waits_for_the_row(
    connections: Pool, postgres_url: str, tmp_path: Path
) -> None:
    settings = {"reads_sync": "always", "reads_client": "ip+client"}
    async with _asked(postgres_url, tmp_path, **settings) as client:
        await client.get("insights/")
        (row,) = await rows(connections)
    assert row["client"] == "add-on?1"


async def test_switched_off_nothing_is_told_but_that(
    connections: Pool, postgres_url: str, tmp_path: Path
) -> None:
    async with _asked(postgres_url, tmp_path, reads="off") as client:
        assert (await client.get("insights/")).status_code == 200
    assert await rows(connections) == []
    (run,) = await _runs(connections)
    assert (run["recording"], run["ended_at"] is not None) == (False, True)
