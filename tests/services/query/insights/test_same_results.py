"""Where a difference says that results can't change, both sides are computed, and are the same."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from contracts.differences.rows import difference
from contracts.queries.of_insights import viz_node
from tests.contracts.differences.sides import insight, raw
from tests.whole import Whole

EVENTS = ("opened", "paid", "left")
PEOPLE = 40
MOST_OF_ONE = 6
CASES = 30
MANY_CASES = 1_000

# Laid over a query, these say nothing new; the rest may.
_SILENT: tuple[dict[str, Any], ...] = (
    {"version": 2},
    {"tags": {"productKey": "product_analytics", "name": "A page"}},
    {"samplingFactor": None},
    {"interval": None},
    {"properties": None},
    {"dateRange": None},
    {"breakdownFilter": None},
    {"compareFilter": None},
    {"aggregation_group_type_index": None},
    {"response": {"results": []}},
)
_LAID_OVER: tuple[dict[str, Any], ...] = (
    {"filterTestAccounts": False},
    {"filterTestAccounts": True},
    {"interval": "week"},
    {"dateRange": {"date_from": "-7d", "date_to": None, "explicitDate": False}},
    {"dateRange": {"date_from": "-3d"}},
    {"properties": [{"key": "plan", "value": ["pro"], "type": "event", "operator": "exact"}]},
)
_OF_FUNNELS: tuple[dict[str, Any], ...] = (
    {"funnelOrderType": "ordered"},
    {"funnelOrderType": "strict"},
    {"funnelWindowInterval": 14},
    {"funnelWindowInterval": 14.0, "funnelWindowIntervalUnit": "day"},
    {"funnelWindowInterval": 1, "funnelWindowIntervalUnit": "hour"},
    {"funnelVizType": "steps"},
    {"layout": "horizontal"},
    {"exclusions": []},
)
_OF_TRENDS: tuple[dict[str, Any], ...] = (
    {"display": "ActionsLineGraph"},
    {"display": "ActionsBar"},
    {"showLegend": True},
    {"showValuesOnSeries": False},
    {"smoothingIntervals": 1},
    {"decimalPlaces": 2},
)
_OF_SERIES: tuple[dict[str, Any], ...] = (
    {"math": "total"},
    {"math": "dau"},
    {"custom_name": "Mine"},
    {"name": "opened"},
    {"properties": []},
)


def pair(random: Random) -> tuple[Any, Any]:
    """Two queries, one of which is the other with something laid over it, or spelled anew."""
    before = _query(random)
    after = msgspec.convert(before, type=dict[str, Any])
    for _ in range(random.randint(1, 2)):
        after = _changed(random, after)
    if random.random() < 0.5:
        after = {"kind": "InsightVizNode", "source": after, "full": True}
    if random.random() < 0.3:
        after = _turned(after)
    return (before, after) if random.random() < 0.5 else (after, before)


def _query(random: Random) -> dict[str, Any]:
    if random.random() < 0.3:
        events = [{"id": name, "order": place} for place, name in enumerate(_names(random))]
        shown = viz_node({"insight": random.choice(("FUNNELS", "TRENDS")), "events": events})
        assert shown is not None
        source: Any = shown["source"]
        return dict(source)
    series = [{"kind": "EventsNode", "event": name} for name in _names(random)]
    return {"kind": random.choice(("FunnelsQuery", "TrendsQuery")), "series": series}


def _names(random: Random) -> list[str]:
    return random.sample(EVENTS, random.randint(2, 3))


def _changed(random: Random, query: dict[str, Any]) -> dict[str, Any]:
    funnels = query["kind"] == "FunnelsQuery"
    match random.randrange(8):
        case 0:
            return query | random.choice(_LAID_OVER)
        case 1:
            name = "funnelsFilter" if funnels else "trendsFilter"
            more = random.choice(_OF_FUNNELS if funnels else _OF_TRENDS)
            return query | {name: {**(query.get(name) or {}), **more}}
        case 2:
            first, *rest = query["series"]
            return query | {"series": [{**first, **random.choice(_OF_SERIES)}, *rest]}
        case _:
            silent = random.choice(_SILENT)
            return query | {name: each for name, each in silent.items() if name not in query}


def _turned(document: Any) -> Any:
    """With all members in the other order."""
    match document:
        case dict():
            return {name: _turned(document[name]) for name in reversed(document)}
        case list():
            return [_turned(each) for each in document]
        case _:
            return document


async def compare(whole: Whole, seed: int, cases: int) -> int:
    """How many pairs of so many were said to have the same results; all of those had."""
    random = Random(seed)
    now, hour = datetime.now(UTC), timedelta(hours=1)
    for plan in ("pro", "free"):
        happened = [
            (random.choice(EVENTS), f"{plan} {person}", now - hour * random.randint(1, 200))
            for person in range(PEOPLE)
            for _ in range(random.randint(1, MOST_OF_ONE))
        ]
        await whole.happened(*happened, plan=plan)
    alike = 0
    for number in range(cases):
        before, after = pair(random)
        if difference(insight(query=raw(before)), insight(query=raw(after))).results_can_change:
            continue
        alike += 1
        results = [await computed(whole, query) for query in (before, after)]
        assert results[0] == results[1], (seed, number, before, after)
    return alike


async def computed(whole: Whole, query: Any) -> Any:
    """Of this very query: nothing that is kept answers."""
    asked = {"query": query, "refresh": "force_blocking"}
    answer = await whole.client.post(f"{whole.root}query/", json=asked)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert results
    return results


async def test_no_change_of_results_is_none(whole: Whole) -> None:
    assert await compare(whole, 20261201, CASES) >= CASES // 4


@pytest.mark.fuzz
async def test_no_change_of_results_is_none_of_many_pairs(whole: Whole) -> None:
    assert await compare(whole, Random().getrandbits(32), MANY_CASES) >= MANY_CASES // 4
