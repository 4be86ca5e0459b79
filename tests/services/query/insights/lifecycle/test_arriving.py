"""Events arrive as captured ones do: when persons were first seen, and which kept results stay."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.services.query.insights.visits import data, query
from tests.services.query.results.live import Live, happened, live
from tests.whole import Whole

DAY = timedelta(days=1)
PAID = {"kind": "EventsNode", "event": "paid"}
RANGE = {"date_from": "-3d", "date_to": "-1d"}
LIFECYCLE = {"kind": "LifecycleQuery", "series": [PAID], "dateRange": RANGE}
STICKINESS = {"kind": "StickinessQuery", "series": [PAID], "dateRange": RANGE}


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def is_kept(api: Live, node: dict[str, Any]) -> bool:
    await api.grows_old()
    return bool((await query(api.whole, node))["is_cached"])


async def test_a_person_is_new_when_its_first_event_of_any_name_was_captured(api: Live) -> None:
    await api.arrives(
        happened("looked", "ada", 3 * DAY),
        happened("paid", "ada", 2 * DAY),
        happened("paid", "bob", 2 * DAY),
    )
    new, _, resurrecting, _ = data(await query(api.whole, LIFECYCLE))
    assert (new, resurrecting) == ([0, 1, 0], [0, 1, 0])


async def test_two_who_are_one_were_first_seen_when_the_earlier_one_was(api: Live) -> None:
    await api.arrives(happened("looked", "anon", 3 * DAY), happened("paid", "ada", 2 * DAY))
    assert data(await query(api.whole, LIFECYCLE))[0] == [0, 1, 0]
    await api.arrives(
        happened("$identify", "ada", 2 * DAY, properties={"$anon_distinct_id": "anon"})
    )
    assert not await is_kept(api, LIFECYCLE)
    new, _, resurrecting, _ = data(await query(api.whole, LIFECYCLE))
    assert (new, resurrecting) == ([0, 0, 0], [0, 1, 0])


@pytest.mark.parametrize(
    ("node", "looks_back"), [(LIFECYCLE, 1), (STICKINESS, 0)], ids=("lifecycle", "stickiness")
)
async def test_a_late_event_makes_stale_what_reads_its_day(
    api: Live, node: dict[str, Any], looks_back: int
) -> None:
    await api.arrives(happened("paid", "ada", 2 * DAY))
    for elsewhere in (
        happened("looked", "cy", 2 * DAY),
        happened("paid", "ada"),
        happened("paid", "ada", (4 + looks_back) * DAY),
    ):
        named = node | {"series": [PAID | {"custom_name": f"{elsewhere.uuid}"}]}
        await query(api.whole, named)
        await api.arrives(elsewhere)
        assert await is_kept(api, named)
    await query(api.whole, node)
    await api.arrives(happened("paid", "ada", (3 + looks_back) * DAY))
    assert not await is_kept(api, node)
