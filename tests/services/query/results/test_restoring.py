"""While events that PostgreSQL has forgotten are stored again, no number is told without them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from services.query.results import cache
from tests.services.projector.product_events.test_crashes import Crash, Crashing
from tests.services.query.results.live import FUNNEL, Live, counts, happened, live
from tests.whole import Whole


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def test_numbers_are_refused_until_all_events_are_back(api: Live) -> None:
    last = await two_batches(api)
    await goes_back(api)
    refused = await asked(api)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["retry-after"]
    await api.servers.projector().follow(until=last)
    assert counts(await api.funnel()) == [1, 1]


async def test_who_computed_meanwhile_may_have_missed_some(api: Live) -> None:
    last = await two_batches(api)
    pool, team_id = api.whole.pool, api.whole.project.id
    began = await cache.start(pool, team_id)
    async with pool.connection() as conn:
        await cache.require_undisturbed(conn, team_id, began)
    await goes_back(api)
    await api.servers.projector().follow(until=last)
    async with pool.connection() as conn:
        with pytest.raises(cache.EventsRestoring):
            await cache.require_undisturbed(conn, team_id, began)
        await cache.require_undisturbed(conn, team_id, await cache.start(pool, team_id))


async def two_batches(api: Live) -> int:
    """A person's two steps, of which PostgreSQL will forget the second; its position."""
    await api.arrives(happened("signed_up", "ada"))
    return await api.arrives(happened("paid", "ada", timedelta(minutes=1)))


async def goes_back(api: Live) -> None:
    """PostgreSQL is a batch behind; what it does not know is taken out, and not back yet."""
    async with api.whole.pool.connection() as conn:
        await conn.execute("UPDATE ingest_progress SET reached = reached - 1")
    with pytest.raises(Crash):
        await api.servers.projector(Crashing("range fixed")).follow()


async def asked(api: Live) -> httpx.Response:
    return await api.whole.client.post(f"{api.whole.root}insights/funnel/", json=FUNNEL)
