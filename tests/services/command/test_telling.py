"""What others found is told by the log once, whoever dies when."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from contracts.codec import encode_event
from contracts.events.recorded import SystemActor
from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookDisabled, WebhookEvent, WebhookLaneParked
from services.command.telling import Telling, _append
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool

PARKED = WebhookLaneParked("insight/7", 5, UUID(int=1), 10, "status")


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Pool]:
    async with pool(postgres_url) as opened:
        yield opened


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


class Crash(Exception):
    pass


async def find(connections: Pool, event: WebhookEvent, number: int = 3) -> UUID:
    found = uuid4()
    async with connections.connection() as conn:
        await conn.execute(
            "INSERT INTO to_tell (id, team_id, kind, number, fact)"
            " VALUES (%s, 1, 'webhook', %s, %s)",
            (found, number, encode_event(event).decode()),
        )
    return found


async def left(connections: Pool) -> int:
    async with connections.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM to_tell")).fetchone()
    assert row is not None
    return int(row[0])


async def test_findings_are_told_in_their_order_by_the_system(
    connections: Pool, store: EventStore
) -> None:
    first = await find(connections, PARKED)
    await find(connections, WebhookDisabled("gone"))
    await find(connections, WebhookDisabled("no_success"), number=4)
    await Telling(store, connections).tell_all()
    told = await store.load(webhook_stream(1, 3))
    assert [fact.event for fact in told] == [PARKED, WebhookDisabled("gone")]
    assert (told[0].actor, told[0].operation_id) == (SystemActor(), first)
    assert len(await store.load(webhook_stream(1, 4))) == 1
    assert await left(connections) == 0


@pytest.mark.parametrize("point", ["found", "appended", "deleted"])
async def test_a_crash_anywhere_tells_it_neither_twice_nor_never(
    connections: Pool, store: EventStore, point: str
) -> None:
    def crash(reached: str) -> None:
        if reached == point:
            raise Crash

    await find(connections, PARKED)
    with pytest.raises(Crash):
        await Telling(store, connections, crash).tell_all()
    await Telling(store, connections).tell_all()
    assert [fact.event for fact in await store.load(webhook_stream(1, 3))] == [PARKED]
    assert await left(connections) == 0


async def test_several_processes_tell_it_once(connections: Pool, store: EventStore) -> None:
    await find(connections, PARKED)
    other = Telling(store, connections)
    once = Telling(store, connections, lambda point: None)

    found = await other._found()  # both have read it
    await once.tell_all()
    for finding in found:
        await other._tell(finding, _append(finding))
    assert len(await store.load(webhook_stream(1, 3))) == 1


async def test_what_a_newer_version_found_waits_and_holds_nothing_up(
    connections: Pool, store: EventStore
) -> None:
    async with connections.connection() as conn:
        for kind, fact in (("webhook", '{"type":"webhook.mended.v9"}'), ("planet", "{}")):
            await conn.execute(
                "INSERT INTO to_tell (id, team_id, kind, number, fact, found_at)"
                " VALUES (%s, 1, %s, 3, %s, now() - interval '1 hour')",
                (uuid4(), kind, fact),
            )
    await find(connections, PARKED)
    await Telling(store, connections).tell_all()
    assert [fact.event for fact in await store.load(webhook_stream(1, 3))] == [PARKED]
    assert await left(connections) == 2
