"""`recount follow` as scripts run it: it is dropped, goes on, and meets a log that was altered."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.events.insight import InsightRenamed
from tests.embedded.recount_process import RECOUNT, environment
from tests.examples import created
from tests.services.query.streams.streaming import Streaming, streaming_service


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url) as running:
        await running.projector.append(created(name="line\u2028separator"))
        yield running


@contextlib.asynccontextmanager
async def following(service: Streaming, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(*RECOUNT, "follow", "--url", service.url, "--project", "1", *options),
        env={**os.environ, **environment(), "KEY": service.keys["alice"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def lines(process: asyncio.subprocess.Process, count: int) -> list[bytes]:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return [(await process.stdout.readline()).removesuffix(b"\n") for _ in range(count)]


async def rename(service: Streaming, *names: str) -> None:
    for name in names:
        await service.projector.append(InsightRenamed(name, None))


async def test_it_goes_on_through_lost_connections_and_where_it_was(
    service: Streaming, tmp_path: Path
) -> None:
    kept = tmp_path / "cursor"
    options = ("--after", "0", "--cursor-file", str(kept))
    async with following(service, *options) as process:
        got = await lines(process, 1)
        await rename(service, "a")
        got += await lines(process, 1)
        for connection in list(service.server.server_state.connections):
            connection.transport.abort()
        await rename(service, "b", "c")
        got += await lines(process, 2)
        assert got == await service.events()
    after = int(kept.read_text().partition("-")[0])
    # What was printed last is kept with the next one, so that nothing is ever left out.
    assert after in (3, 4)
    await rename(service, "d")
    async with following(service, *options) as process:
        assert await lines(process, 5 - after) == await service.events(after=after)


async def test_a_type_is_followed_alone(service: Streaming) -> None:
    await rename(service, "a")
    async with following(service, "--after", "0", "--types", "insight.renamed.v1") as process:
        assert await lines(process, 1) == await service.events(after=1)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("state = convert_to(replace(convert_from(state, 'UTF8'), '\"a\"', '\"x\"'), 'UTF8')", 2),
        ('actor = \'{"type":"system"}\'', 2),
        ("hash = sha256(hash)", 2),
    ],
)
async def test_an_event_that_was_altered_ends_it_at_its_sequence(
    service: Streaming, change: str, found: int
) -> None:
    await rename(service, "a", "b")
    async with service.projector.pool.connection() as conn:
        await conn.execute(f"UPDATE log SET {change} WHERE team_id = 1 AND team_seq = 2".encode())
    async with following(service, "--after", "0") as process:
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 4
        assert f"sequence {found}:" in said.decode()


async def test_a_refusal_is_a_sentence(service: Streaming) -> None:
    async with following(service, "--after", "9") as process:
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 1
        assert "409 cursor_ahead" in said.decode()
        assert "head: 1-" in said.decode()
