"""Actors with very many events in funnels that are taken event by event."""

from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.api.funnels import TimeToConvert
from services.common.clickhouse import ClickHouse
from services.query.insights.funnels import busy, quick
from services.query.insights.funnels.busy import by_reference, folding
from services.query.insights.funnels.compute import compute
from services.query.insights.funnels.correlation.statement import (
    CorrelationSelection,
    HasEvent,
    compile_correlated,
)
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.statement import actors
from services.query.insights.funnels.statement.actors import ReferenceRows
from tests.funnels.difference import difference
from tests.funnels.engine import store
from tests.funnels.people_difference import people_difference
from tests.funnels.plans import make_plan
from tests.funnels.stories import Event, funnel
from tests.funnels.worlds import World, make_world

pytestmark = pytest.mark.anyio

FOLDED: Mapping[str, dict[str, Any]] = {
    "unordered": {"order": "unordered"},
    "an exclusion from an optional step": {"optional": [2], "exclusions": [("X", 1, 2)]},
    "strict, an exclusion that is a step": {"order": "strict", "exclusions": [("B", 1, 2)]},
    "an unordered trend": {"viz": "trends", "order": "unordered"},
    "a trend with an exclusion": {"viz": "trends", "exclusions": [("X", 0, 1)]},
}


def asked(**rules: Any) -> FunnelPlan:
    return funnel("A B A", names=("A", "B", "X"), window=3600, **rules)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> list[ReferenceRows]:
    """An actor with more than two events is busy. The reference's rows are noted."""
    noted: list[ReferenceRows] = []

    async def noting(*args: Any, **more: Any) -> ReferenceRows:
        noted.append(await by_reference(*args, **more))
        return noted[-1]

    monkeypatch.setattr(actors, "BUSY", 2)
    monkeypatch.setattr(quick, "by_reference", noting)
    return noted


@pytest.mark.parametrize("rules", FOLDED.values(), ids=FOLDED)
async def test_what_is_folded_is_told_by_the_reference(
    clickhouse: ClickHouse, few: list[ReferenceRows], rules: dict[str, Any]
) -> None:
    plan = asked(**rules)
    assert folding(plan)
    # Two of one instant, which trends take event by event; then two apart.
    times = (n - (n % 4 == 1) for n in range(40))
    busy_one = tuple(
        Event("AABX"[n % 4], time * 60_000_000, UUID(int=n + 1)) for n, time in enumerate(times)
    )
    other = tuple(Event("AB"[n], n * 60_000_000, UUID(int=n + 100)) for n in range(2))
    histories = {UUID(int=7): busy_one, UUID(int=8): other}
    await store(clickhouse, 1, histories.items())
    assert await difference(clickhouse, plan, histories) is None
    assert {told.ids for told in few} == {(str(UUID(int=7)),)}
    assert "[]" not in {told.rows for told in few}


async def test_who_is_not_busy_goes_by_the_statement_alone(
    clickhouse: ClickHouse, few: list[ReferenceRows]
) -> None:
    await store(clickhouse, 1, [(UUID(int=8), (Event("A", 0, UUID(int=1)),))])
    await compute(clickhouse, asked(order="unordered"), has_overrides=False)
    assert few == []


async def test_beyond_the_bounds_of_the_reference_the_fold_goes_on(
    clickhouse: ClickHouse, few: list[ReferenceRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "MOST_EVENTS", 3)
    events = tuple(Event("AB"[n % 2], n * 60_000_000, UUID(int=n + 1)) for n in range(9))
    histories = {UUID(int=7): events}
    await store(clickhouse, 1, histories.items())
    assert await difference(clickhouse, asked(order="unordered"), histories) is None
    assert [told.ids for told in few] == [()]


async def test_random_funnels_agree_wherever_the_reference_comes_in(
    clickhouse: ClickHouse, few: list[ReferenceRows]
) -> None:
    random = Random(4)
    world: World = make_world(random, 40)
    await store(clickhouse, 1, world.histories.items())
    plans = [plan for _ in range(80) if folding(plan := make_plan(random, world, 1))][:6]
    assert len({(plan.order, type(plan.view)) for plan in plans}) > 2
    for plan in plans:
        assert await difference(clickhouse, plan, world.histories) is None
        assert await people_difference(clickhouse, plan, world.histories) is None
    assert sum(len(told.ids) for told in few) > len(plans)


async def test_both_sides_of_a_comparison_and_people_of_a_correlation_have_their_own(
    clickhouse: ClickHouse, few: list[ReferenceRows]
) -> None:
    events = tuple(Event("ABU"[n % 3], n * 60_000_000, UUID(int=n + 1)) for n in range(60))
    await store(clickhouse, 1, [(UUID(int=7), events)])
    plan = asked(order="unordered", viz="time_to_convert", to_step=2)
    middle = plan.date_from.replace(minute=30)
    previous = msgspec.structs.replace(plan, date_to=middle)
    now = msgspec.structs.replace(plan, date_from=middle)
    both = await compute(clickhouse, now, has_overrides=False, previous=previous)
    assert [told.ids for told in few] == [(str(UUID(int=7)),)] * 2
    sides = msgspec.convert(both.results, list[TimeToConvert])
    assert [sum(count for _, count in side.bins) for side in sides] == [1, 1]
    has = CorrelationSelection(converted=None, has=HasEvent())
    rows = await quick.quick_first(
        clickhouse,
        plan,
        lambda forms: compile_correlated(plan, has, has_overrides=False, limit=9, forms=forms),
        has_overrides=False,
    )
    assert [row[0] for row in rows] == [str(UUID(int=7))]
