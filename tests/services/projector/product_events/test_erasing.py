"""A person's product events go from every place that has them, and nobody else's."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.postgres import erasures
from services.common.postgres.database import pool
from services.common.postgres.erasures import Subject
from services.common.stream import capture_stream
from tests.services.projector.product_events.setup import Servers, event

pytestmark = pytest.mark.anyio

NAME = "zerafina-distinct-id"
EMAIL = "zerafina@example.com"


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def asked(servers: Servers, *distinct_ids: str) -> int:
    """As far as the command service does it: the places of product events are next."""
    people: list[tuple[UUID]] = await servers.tables(
        "SELECT DISTINCT person_id FROM person_distinct_ids WHERE distinct_id LIKE '%zerafina%'"
    )
    subject = Subject(
        person=NAME,
        person_ids=tuple(person for (person,) in people),
        distinct_ids=distinct_ids,
    )
    async with pool(servers.postgres_url) as connections:
        async with connections.connection() as conn:
            await conn.execute(
                "INSERT INTO organizations (id, name)"
                " VALUES ('00000000-0000-0000-0000-000000000001', 'A')"
            )
            await conn.execute(
                "INSERT INTO projects (id, organization_id, name, api_token)"
                " VALUES (1, '00000000-0000-0000-0000-000000000001', 'A', 'phc_x')"
            )
        number = await erasures.make(
            connections, 1, "person", subject, '{"type":"system"}', uuid4(), uuid4()
        )
        await erasures.asked(connections, number)
        async with connections.connection() as conn:
            for place in ("log", "rows", "stream", "webhooks"):
                await erasures.done(conn, number, place, 0)
    return number


async def done(servers: Servers) -> dict[str, int]:
    rows = await servers.tables(
        "SELECT place, count FROM erasure_steps WHERE done_at IS NOT NULL"
        " AND place IN ('events', 'persons', 'capture')"
    )
    return dict(rows)


async def everything(servers: Servers) -> str:
    """All rows of all tables of product events, live ones, and all captured messages."""
    found = ""
    for table in ("events", "persons", "person_distinct_ids", "person_overrides", "cohort_people"):
        found += str(await servers.rows(f"SELECT * FROM {table}"))
    found += str(
        await servers.rows("SELECT event, min(inserted_at) FROM events GROUP BY team_id, event")
    )
    for table in ("persons", "person_distinct_ids", "person_overrides", "ingest_set_aside"):
        found += str(await servers.tables(f"SELECT t::text FROM {table} t"))
    stream = servers.bus.jetstream()
    name = capture_stream(servers.prefix)
    state = (await stream.stream_info(name)).state
    for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
        try:
            found += str((await stream.get_msg(name, sequence)).data)
        except Exception:
            found += f" no {sequence} "
    return found


async def test_a_person_goes_from_every_place_and_others_stay(servers: Servers) -> None:
    await servers.stored([event("seen", "bob"), event("bought", "bob")])
    await servers.stored([event("seen by zerafina-anonymous", "zerafina-anonymous")])
    identified = {"$anon_distinct_id": "zerafina-anonymous", "$set": {"email": EMAIL}}
    await servers.stored([event("$identify", NAME, properties=identified)])
    bad = event("bad", NAME)
    await servers.stored([event("bought", NAME), event("seen", "bob"), bad])
    assert "zerafina" in await everything(servers)
    await asked(servers, NAME, "zerafina-anonymous")
    await servers.stored([event("seen", "cy")])
    assert await done(servers) == {"events": 4, "persons": 3, "capture": 3}
    assert "zerafina" not in await everything(servers)
    rows = await servers.rows("SELECT distinct_id, count() FROM events GROUP BY 1 ORDER BY 1")
    assert rows == [("bob", 3), ("cy", 1)]
    assert await servers.people() == {frozenset({"bob"}), frozenset({"cy"})}
    # What comes later is a new person's.
    await servers.stored([event("seen", NAME)])
    assert frozenset({NAME}) in await servers.people()


async def test_what_waits_for_another_place_is_left_alone(servers: Servers) -> None:
    await servers.stored([event("seen", NAME)])
    number = await asked(servers, NAME)
    async with pool(servers.postgres_url) as connections, connections.connection() as conn:
        await conn.execute(
            "UPDATE erasure_steps SET done_at = NULL WHERE place = 'log' AND erasure_id = %s",
            (number,),
        )
    await servers.stored([event("seen", "bob")])
    assert await done(servers) == {}
    assert len(await servers.rows("SELECT 1 FROM events")) == 2


async def test_another_projects_person_of_the_same_name_stays(servers: Servers) -> None:
    await servers.stored([event("seen", NAME)])
    await servers.stored([event("seen", NAME)], team_id=2)
    await asked(servers, NAME)
    await servers.stored([event("seen", "bob")])
    assert await done(servers)
    rows = await servers.rows("SELECT team_id, distinct_id FROM events ORDER BY team_id")
    assert rows == [(1, "bob"), (2, NAME)]
