"""From query to plan: what a lifecycle defaults to, and what it refuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.errors import InvalidQuery
from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.lifecycle import LifecycleQuery
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.conditions import ALWAYS
from services.query.events.facts import PlanningFacts
from services.query.events.periods import days
from services.query.insights.lifecycle.plan import LifecyclePlan
from services.query.insights.lifecycle.planning import HAS_PROFILE, plan_lifecycle
from services.query.insights.lifecycle.pointing import pointed

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
FACTS = PlanningFacts(team_id=7, now=NOW, timezone="Europe/Berlin")
A = {"kind": "EventsNode", "event": "a"}


def query(**members: Any) -> LifecycleQuery:
    document = {"kind": "LifecycleQuery", "series": [A], **members}
    return reading.node(document, LifecycleQuery, None)


def plan(**members: Any) -> LifecyclePlan:
    return plan_lifecycle(query(**members), FACTS)


def test_a_bare_query_is_of_persons_with_a_profile_by_days() -> None:
    made = plan()
    assert (made.actor, made.filters) == (PersonActor(), HAS_PROFILE)
    assert days(made.span)[0::7] == ["2024-03-06", "2024-03-13"]
    assert made.before is not None
    assert made.before.end == made.span.periods[0].start


def test_groups_count_without_a_profile() -> None:
    made = plan(aggregation_group_type_index=0)
    assert (made.actor, made.filters) == (GroupActor(0), ALWAYS)


@pytest.mark.parametrize("explicit", [False, True])
def test_periods_are_whole_however_they_were_given(explicit: bool) -> None:
    dates = {"date_from": "2024-03-06T11:00:00", "date_to": "2024-03-13T12:00:00"}
    made = plan(interval="week", dateRange=dates | {"explicitDate": explicit})
    assert days(made.span) == ["2024-03-03", "2024-03-10"]
    assert made.span.date_from == made.span.periods[0].start
    assert (made.span.periods[-1].end - made.span.date_to).total_seconds() == 1e-6


def test_the_period_before_is_a_step_of_the_calendar() -> None:
    dates = {"date_from": "2024-04-01", "date_to": "2024-04-02"}
    before = plan(dateRange=dates).before
    assert before is not None
    assert (before.end - before.start).total_seconds() == 23 * 3600
    assert plan(dateRange={"date_from": "2024-04-02", "date_to": "2024-04-01"}).before is None


def test_an_unknown_action_has_no_entity() -> None:
    assert plan(series=[{"kind": "ActionsNode", "id": 9}]).entity is None


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"series": []}, "series"),
        ({"series": [A, A]}, "series"),
        ({"series": [{"kind": "DataWarehouseNode"}]}, "series"),
        ({"interval": "minute"}, "interval"),
        ({"interval": "quarter"}, "interval"),
        ({"customAggregationTarget": True}, "customAggregationTarget"),
        ({"aggregation_group_type_index": 5}, "aggregation_group_type_index"),
        ({"samplingFactor": 0}, "samplingFactor"),
    ],
)
def test_a_broken_rule_is_refused_by_its_member(asked: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan(**asked)
    assert refused.value.attr == attr


def test_a_custom_target_is_refused_in_posthogs_words() -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan(customAggregationTarget=True)
    assert refused.value.detail == (
        "Custom entity aggregation target is not supported for lifecycle insights without a data"
        " warehouse series."
    )


def test_an_actors_query_points_at_a_period_and_a_status() -> None:
    found = pointed(plan(), InsightActorsQuery(source=query(), day="2024-03-07", status="new"))
    assert (found.point, found.status) == (1, "new")
    assert pointed(plan(), InsightActorsQuery(source=query())).point is None


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"day": "soon"}, "day"),
        ({"day": "2023-01-01"}, "day"),
        ({"series": 1}, "series"),
        ({"compare": "previous"}, "compare"),
    ],
)
def test_a_number_that_is_not_there_is_refused(asked: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        pointed(plan(), InsightActorsQuery(source=query(), **asked))
    assert refused.value.attr == attr
