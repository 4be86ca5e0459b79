"""Events of projects in several buckets, from the door to queries."""

import pytest

from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.postgres.database import pool
from services.common.stream import capture_stream
from tests.services.command.capture.conftest import Shop

pytestmark = pytest.mark.anyio


async def _in_another_bucket(postgres_url: str, shop: Shop) -> Project:
    """A project of a bucket that was made after the doors had opened."""
    async with pool(postgres_url) as connections:
        async with connections.connection() as conn:
            await conn.execute("INSERT INTO bucket_shards (bucket, shard) VALUES (12, 1)")
        organization = shop.project.organization_id
        return await administration.create_project(connections, organization, "Other")


async def test_each_project_is_captured_into_its_buckets_stream(
    shop: Shop, postgres_url: str, stream_prefix: str
) -> None:
    other = await _in_another_bucket(postgres_url, shop)
    assert other.bucket == 12
    their_event = {**shop.event(), "api_key": other.api_token}
    await shop.post("/e/", shop.event())
    await shop.post("/e/", their_event)
    ours, theirs = await shop.post("/e/", shop.event()), await shop.post("/e/", their_event)
    assert ours.headers["Ingest-Position"] == "2"
    assert theirs.headers["Ingest-Position"] == "12.2"
    streams = shop.app.state.capture_bus.jetstream()
    for bucket in (0, 12):
        info = await streams.stream_info(capture_stream(stream_prefix, bucket))
        assert info.state.messages == 2
    await shop.rows(ours, "SELECT 1")
    rows = await shop.rows(theirs, "SELECT team_id, bucket, count() FROM events GROUP BY 1, 2")
    assert sorted(rows) == [(shop.project.id, 0, 2), (other.id, 12, 2)]


async def test_positions_are_told_of_the_bucket_that_is_asked_for(
    shop: Shop, postgres_url: str
) -> None:
    other = await _in_another_bucket(postgres_url, shop)
    after = await shop.post("/e/", {**shop.event(), "api_key": other.api_token})
    position = after.headers["Ingest-Position"]
    assert position == "12.1"
    reached = await shop.client.get("/i/position", params={"reach": position, "wait": "30"})
    assert reached.json() == {"position": "12.1", "reached": True}
    beyond = await shop.client.get("/i/position", params={"reach": "12.2"})
    assert beyond.json() == {"position": "12.1", "reached": False}
    # A bare number is of bucket 0, as ever.
    assert (await shop.client.get("/i/position?reach=1")).json() == {
        "position": 0,
        "reached": False,
    }
