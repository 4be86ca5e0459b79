"""Who is wrong where the public stream and the log differ: a stranger on the bus, or the log."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from litestar.testing import AsyncTestClient
from prometheus_client import REGISTRY

from contracts.subjects import FACTS_STREAM, HASH_HEADER
from services.command import app as command
from services.command import publishing
from services.command.bus.facts_bus import FactsBus
from services.command.bus.status import reset_stream
from services.command.relay import RunningRelay
from services.command.settings import CommandSettings
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.stream import OutgoingMessage, ensure_facts_stream, publish_whole
from tests import servers
from tests.services.command.bus.setup import (
    Subscriber,
    facts_bus,
    fill,
    published,
    read_all,
    relay,
    until_whole,
)
from tests.waiting import seen

FACTS = 20


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
async def own_nats_url(server_url: str, postgres_url: str) -> AsyncIterator[str]:
    """A service knows one public stream, by its name: nobody has published to this one."""
    yield server_url
    async with facts_bus(postgres_url, server_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)


def rebuilds() -> float:
    return REGISTRY.get_sample_value("recount_bus_rebuilds_total") or 0


async def run_log(postgres_url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(statement.encode())


async def cut_log_after(postgres_url: str, position: int) -> None:
    """As if the log had been restored from a copy that ended there."""
    await run_log(postgres_url, f"DELETE FROM log WHERE notification_id > {position}")
    await run_log(
        postgres_url,
        "UPDATE log_heads SET (seq, hash) = (SELECT team_seq, hash FROM log"
        f" WHERE notification_id = {position})",
    )


async def stopped(running: RunningRelay) -> str:
    async def reason() -> str | None:
        return running.stopped

    found = await seen(reason, lambda told: told is not None)
    assert found is not None
    return found


async def last(bus: FactsBus) -> int:
    return (await bus.client.jetstream().stream_info(FACTS_STREAM)).state.last_seq


@pytest.mark.parametrize(
    "headers", [{}, {HASH_HEADER: "00" * 32}], ids=["without a hash", "with a wrong one"]
)
async def test_a_stranger_who_writes_ahead_of_the_log_is_removed(
    postgres_url: str, own_nats_url: str, headers: dict[str, str]
) -> None:
    await fill(postgres_url, FACTS)
    before = rebuilds()
    async with published(postgres_url, own_nats_url) as (bus, running):
        subscriber = Subscriber(bus.client)
        async with subscriber.reading():
            await subscriber.reach(FACTS)
        for _ in range(3):
            await bus.client.jetstream().publish("insights.1.x", b"{}", headers=headers)
        await fill(postgres_url, 4, first=FACTS)
        async with subscriber.reading() as reading:
            await subscriber.reach(FACTS + 4)
            assert not reading.done()
        await until_whole(bus, running, swept=False)
        assert await read_all(bus) == subscriber.kept == await bus.store.entries(after=0)
    assert rebuilds() == before + 1


async def test_a_copy_of_an_entry_of_ours_is_a_strangers_too(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url) as (bus, running):
        message = await bus.client.jetstream().get_msg(FACTS_STREAM, FACTS)
        headers = {HASH_HEADER: (message.headers or {})[HASH_HEADER]}
        await bus.client.jetstream().publish("insights.1.x", message.data or b"", headers=headers)
        await until_whole(bus, running, swept=False)
        assert await read_all(bus) == await bus.store.entries(after=0)


async def test_another_entry_at_a_sequence_is_found_by_the_sweep(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url) as (bus, _):
        stream = bus.client.jetstream()
        stored = [await stream.get_msg(FACTS_STREAM, n) for n in range(1, FACTS + 1)]
        await stream.delete_stream(FACTS_STREAM)
    async with facts_bus(postgres_url, own_nats_url) as bus:
        await ensure_facts_stream(bus.client)
        messages = [
            OutgoingMessage(m.subject or "", m.data or b"", {HASH_HEADER: m.headers[HASH_HEADER]})
            for m in stored
            if m.headers is not None
        ]
        messages[7] = messages[6]
        await publish_whole(bus.client, messages)
    before = rebuilds()
    async with published(postgres_url, own_nats_url) as (bus, running):

        async def made_anew() -> float:
            return rebuilds()

        await seen(made_anew, lambda count: count == before + 1)
        await until_whole(bus, running)
        assert await read_all(bus) == await bus.store.entries(after=0)


async def test_a_log_of_an_older_copy_stops_the_relay_until_a_person_decides(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url):
        pass
    await cut_log_after(postgres_url, FACTS - 3)
    async with relay(postgres_url, own_nats_url) as (bus, running):
        assert await stopped(running) == f"INSIGHTS is at {FACTS}, the log at {FACTS - 3}"
        assert await last(bus) == FACTS
        assert await reset_stream(bus, lambda position: None) == FACTS - 3
        await until_whole(bus, running)
        assert running.stopped is None
        assert await read_all(bus) == await bus.store.entries(after=0)


async def test_and_it_stays_so_when_that_log_grows(postgres_url: str, own_nats_url: str) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url):
        pass
    await cut_log_after(postgres_url, FACTS - 3)
    await fill(postgres_url, 10, first=100)
    async with relay(postgres_url, own_nats_url) as (bus, running):
        reason = f"INSIGHTS is at {FACTS}, the log differs from {FACTS - 2} on"
        assert await stopped(running) == reason
        assert await last(bus) == FACTS


async def test_an_altered_log_does_not_reach_the_bus(postgres_url: str, own_nats_url: str) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url):
        pass
    hashed = "decode(repeat('ab', 32), 'hex')"
    await run_log(postgres_url, f"UPDATE log SET hash = {hashed} WHERE notification_id = 5")
    async with relay(postgres_url, own_nats_url) as (_, running):
        assert await stopped(running) == f"INSIGHTS is at {FACTS}, the log differs from 5 on"


async def test_a_relay_that_stopped_is_told_with_the_reason(
    postgres_url: str, own_nats_url: str
) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, own_nats_url):
        pass
    await cut_log_after(postgres_url, 1)
    settings = CommandSettings(database_url=postgres_url, nats_url=own_nats_url)
    app = compose([foundation(postgres_url), command.part(settings), publishing.part(settings)])
    async with AsyncTestClient(app) as client:

        async def look() -> tuple[int, dict[str, Any]]:
            answer = await client.get("/_readyz")
            return answer.status_code, answer.json()["parts"]["relay"]

        status, part = await seen(look, lambda told: bool(told[1]["status"] == "degraded"))
        metrics = (await client.get("/metrics")).text
    # Writes go on: a gateway that took the process out would stop them.
    assert status == 200
    assert part["reason"].endswith(f"the relay has stopped: INSIGHTS is at {FACTS}, the log at 1")
    assert "recount_bus_holes 0.0" in metrics
    assert "recount_bus_swept_position" in metrics
