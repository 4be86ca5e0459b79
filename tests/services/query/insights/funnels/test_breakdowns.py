"""The breakdown of a plan: its keys, its attribution, and how its values are shown."""

from typing import Any

import msgspec
import pytest

from contracts.queries import legacy
from contracts.queries.errors import InvalidQuery
from services.query.events.breakdown import ExpressionKey, GroupKey, PropertyKey
from services.query.insights.funnels.plan import (
    MOST_ROWS,
    Attribution,
    Breakdown,
    ByCohort,
    ByProperty,
    EachValue,
    FirstTouch,
    LastTouch,
    OfStep,
)
from services.query.insights.funnels.planning import plan_funnel
from tests.services.query.insights.funnels.asking import FACTS, plan

K_KEY = PropertyKey("event", "k")


@pytest.mark.parametrize(
    ("sent", "planned"),
    [
        ({"breakdown": "k"}, ByProperty(keys=(K_KEY,))),
        (
            {"breakdown": ["k", "j"], "breakdown_type": "person", "breakdown_limit": 3},
            ByProperty(keys=(PropertyKey("person", "k"), PropertyKey("person", "j")), limit=3),
        ),
        (
            {"breakdown": "k", "breakdown_type": "group", "breakdown_group_type_index": 2},
            ByProperty(keys=(GroupKey(2, "k"),), boxed=False),
        ),
        (
            {"breakdown": ["k"], "breakdown_type": "group"},
            ByProperty(keys=(GroupKey(0, "k"),)),
        ),
        (
            {"breakdown": [5, "all"], "breakdown_type": "cohort"},
            ByCohort(((5, "Friends"), (0, "all users"))),
        ),
        (
            {"breakdown": "properties.a", "breakdown_type": "hogql"},
            ByProperty(keys=(ExpressionKey("properties.a"),), limit=MOST_ROWS),
        ),
        (
            {"breakdown": "$is_bounce", "breakdown_type": "session"},
            ByProperty(keys=(PropertyKey("session", "$is_bounce"),), limit=MOST_ROWS),
        ),
        (
            {"breakdowns": [{"property": "k", "type": "event", "normalize_url": True}]},
            ByProperty(keys=(K_KEY,), normalize_url=True),
        ),
        ({"breakdown": [], "breakdown_type": "event"}, None),
        ({"breakdown": None, "breakdown_type": "event"}, None),
    ],
)
def test_a_breakdown_is_planned(sent: dict[str, Any], planned: Breakdown | None) -> None:
    assert plan(breakdownFilter=sent).breakdown == planned


def test_the_attribution_is_planned_with_its_step_from_one() -> None:
    filter_ = {"breakdownAttributionType": "step", "breakdownAttributionValue": 1}
    found = plan(breakdownFilter={"breakdown": "k"}, funnelsFilter=filter_)
    assert found.breakdown == ByProperty(keys=(K_KEY,), attribution=OfStep(2))
    assert found.wanted_step == 2


@pytest.mark.parametrize(
    ("sent", "attribution"),
    [
        (None, FirstTouch()),
        ("first_touch", FirstTouch()),
        ("last_touch", LastTouch()),
        ("all_events", EachValue()),
    ],
)
def test_an_attribution_without_a_step_wants_none(
    sent: str | None, attribution: Attribution
) -> None:
    filter_ = {"breakdownAttributionType": sent}
    found = plan(breakdownFilter={"breakdown": "k"}, funnelsFilter=filter_)
    assert found.breakdown == ByProperty(keys=(K_KEY,), attribution=attribution)
    assert found.wanted_step is None


def test_times_ignore_a_breakdown_but_not_its_mistakes() -> None:
    times = {"funnelVizType": "time_to_convert"}
    assert plan(breakdownFilter={"breakdown": "k"}, funnelsFilter=times).breakdown is None
    with pytest.raises(InvalidQuery, match="Unsupported breakdown type"):
        plan(breakdownFilter={"breakdown": "k", "breakdown_type": "x"}, funnelsFilter=times)
    with pytest.raises(ValueError, match="no rows of their own"):
        msgspec.structs.replace(plan(funnelsFilter=times), breakdown=ByProperty(keys=(K_KEY,)))


def test_the_legacy_endpoint_unboxes_one_text() -> None:
    def boxed(**breakdown: Any) -> bool:
        events = {"events": [{"id": "a"}, {"id": "b"}]}
        query = legacy.convert(events | breakdown)
        found = plan_funnel(query, FACTS, legacy=True).breakdown
        assert isinstance(found, ByProperty)
        return found.boxed

    assert boxed(breakdown="k") is False
    assert boxed(breakdown=["k"]) is True
    assert boxed(breakdown="event", breakdown_type="hogql") is True
