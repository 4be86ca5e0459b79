"""A kept number of a trend is shown until something that it reads arrives, however late."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.services.query.insights.visits import data, query
from tests.services.query.results.live import Live, happened, live
from tests.whole import Whole

RANGE = {"date_from": "-3d", "date_to": "-1d"}
ALL_HISTORY = 1_000
PAID = {"kind": "EventsNode", "event": "paid"}


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def is_kept(api: Live, node: dict[str, Any]) -> bool:
    await api.grows_old()
    return bool((await query(api.whole, node))["is_cached"])


@pytest.mark.parametrize(
    ("of", "reads_back"),
    [
        ({}, 0),
        ({"math": "weekly_active"}, 6),
        ({"math": "monthly_active"}, 29),
        ({"math": "first_time_for_user"}, ALL_HISTORY),
    ],
)
async def test_a_late_event_makes_stale_what_reads_its_day(
    api: Live, of: dict[str, Any], reads_back: int
) -> None:
    node = {"kind": "TrendsQuery", "series": [PAID | of], "dateRange": RANGE}
    await api.arrives(happened("paid", "ada", timedelta(days=2)))
    assert data(await query(api.whole, node))
    await api.arrives(happened("paid", "ada", timedelta(minutes=1)))
    assert await is_kept(api, node)
    await api.arrives(happened("paid", "ada", timedelta(days=3 + reads_back + 2)))
    assert await is_kept(api, node) == (reads_back < ALL_HISTORY)
    await query(api.whole, node)
    await api.arrives(happened("paid", "bob", timedelta(days=min(3 + reads_back, 40))))
    assert not await is_kept(api, node)
