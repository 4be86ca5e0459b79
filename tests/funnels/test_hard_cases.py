"""What random funnels once found the SQL wrong at, each as small as it was made."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.plan import OfStep
from tests.funnels.difference import difference
from tests.funnels.engine import store
from tests.funnels.stories import BY_PROPERTY, END, START, Viz, funnel, parse

pytestmark = pytest.mark.anyio

BY_FIRST_STEP = msgspec.structs.replace(BY_PROPERTY, attribution=OfStep(1))
CASES: list[tuple[str, str, dict[str, Any]]] = [
    # An optional step that is an exclusion before itself.
    ("A C B", "A0 C1 B2", {"optional": [2], "exclusions": [("C", 0, 1)]}),
    # A first step that spoils the attempt before, across an optional step, and begins anew.
    ("D C H", "D0.000001 D2", {"window": 2, "optional": [2], "exclusions": [("D", 1, 2)]}),
    # Barred from the first of two optional steps: spoilt for the step behind them too.
    ("A B C D", "A0 X1 D2", {"optional": [2, 3], "exclusions": [("X", 0, 3)]}),
    ("A B C D", "A0 C1 X2 B3 D4", {"optional": [2, 3], "exclusions": [("X", 0, 1)]}),
    # An exclusion that ends the newest attempt at A, when the best one stands at B no longer.
    (
        "A B C D",
        "A0 B0 A2 B3",
        {"window": 4, "order": "strict", "optional": [2], "exclusions": [("B", 0, 2)]},
    ),
    # Of one instant, an event of another value excludes what one of the value has begun; and not.
    ("A B", "A0=x A0=y", {"exclusions": [("A", 0, 1)], "breakdown": BY_FIRST_STEP}),
    ("A B", "A0=y A0=x", {"exclusions": [("A", 0, 1)], "breakdown": BY_FIRST_STEP}),
    # An optional step taken in a tie, and cleared again before the next.
    ("C A B D", "B0 C0 A1 D1.000001", {"optional": [2, 3], "order": "strict"}),
    # An exclusion before step 4 that is step 3 too: the attempt stands there and gets to 4 anew.
    ("C B D A B", "A3 C3 B3 D3 D4 A5 B5", {"order": "strict", "exclusions": [("D", 2, 4)]}),
    # Simultaneous events of several steps: uuids decide which serves which.
    ("A B", "A0 AB0", {}),
    ("A B", "AB0 A0", {}),
    # Trends take a tie by its lists of steps, [1, 4] before [2].
    ("A B C A", "B0 A0", {"viz": "trends", "to_step": 2}),
]


async def test_each_is_answered_as_the_reference_does(clickhouse: ClickHouse) -> None:
    for team_id, (steps, history, rules) in enumerate(CASES, start=1):
        events = tuple(parse(history))
        names = {event.name for event in events}
        plan = funnel(steps, names=names, team_id=team_id, **rules)
        actor = {UUID(int=7): events}
        await store(clickhouse, team_id, actor.items())
        assert await difference(clickhouse, plan, actor) is None, f"{steps}: {history}"


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
@pytest.mark.parametrize("viz", ["steps", "trends", "time_to_convert"])
async def test_a_range_that_ends_before_it_begins_holds_nobody(
    clickhouse: ClickHouse, order: str, viz: Viz
) -> None:
    await store(clickhouse, 1, [(UUID(int=7), tuple(parse("A0 B1")))])
    backwards = funnel(
        "A B", order=order, viz=viz, date_from=END, date_to=START, exclusions=[("C", 0, 1)]
    )
    assert await difference(clickhouse, backwards, {}) is None
