"""From query to plan: what stickiness defaults to, and what it refuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.errors import InvalidQuery
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.stickiness import StickinessQuery
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.facts import PlanningFacts
from services.query.insights.stickiness.plan import Criteria, Intervals, StickinessPlan
from services.query.insights.stickiness.planning import plan_stickiness
from services.query.insights.stickiness.pointing import pointed

FACTS = PlanningFacts(team_id=7, now=datetime(2024, 3, 13, 15, 30, tzinfo=UTC))
A = {"kind": "EventsNode", "event": "a"}


def query(*series: Any, **members: Any) -> StickinessQuery:
    document = {"kind": "StickinessQuery", "series": list(series or (A,)), **members}
    return reading.node(document, StickinessQuery, None)


def plan(*series: Any, **members: Any) -> StickinessPlan:
    return plan_stickiness(query(*series, **members), FACTS)


def test_a_bare_query_counts_persons_by_days() -> None:
    made = plan()
    assert (made.criteria, made.cumulative, made.previous) == (Criteria(), False, None)
    assert made.series[0].actor == PersonActor()
    assert len(made.current.intervals) == 8


@pytest.mark.parametrize(
    ("of", "actor"),
    [
        ({"math": "dau"}, PersonActor()),
        ({"math": "sum", "math_property": "x"}, PersonActor()),
        ({"math": "weekly_active"}, PersonActor()),
        ({"math": "unique_group", "math_group_type_index": 0}, GroupActor(0)),
        ({"math_group_type_index": 3}, GroupActor(3)),
        ({"math": "hogql", "math_hogql": "properties.team"}, ExpressionActor("properties.team")),
        ({"math": "hogql", "math_hogql": " person_id "}, PersonActor()),
    ],
)
def test_each_math_has_its_actor(of: dict[str, Any], actor: AnyActor) -> None:
    assert plan({**A, **of}).series[0].actor == actor


def told(intervals: Intervals | None) -> list[str]:
    assert intervals is not None
    return [f"{one.start:%d}-{one.end:%d}" for one in intervals.intervals]


def test_intervals_are_joined_from_the_end_and_the_first_may_be_short() -> None:
    dates = {"date_from": "2024-01-01", "date_to": "2024-01-07"}
    assert told(plan(dateRange=dates, intervalCount=3).current) == ["01-02", "02-05", "05-08"]
    assert len(told(plan(dateRange=dates, intervalCount=0).current)) == 7
    assert told(plan(dateRange=dates, intervalCount=99).current) == ["01-08"]
    assert told(plan(dateRange=dates | {"date_to": "2023-01-01"}).current) == []


def test_both_sides_have_intervals_of_their_own() -> None:
    dates = {"date_from": "2024-03-01", "date_to": "2024-03-31"}
    compare = {"compare": True, "compare_to": "-11m"}
    made = plan(dateRange=dates, compareFilter=compare, intervalCount=10)
    assert told(made.current) == ["01-02", "02-12", "12-22", "22-01"]
    assert told(made.previous) == ["01-11", "11-21", "21-01"]


def test_days_that_do_not_count_are_in_no_interval() -> None:
    dates = {"date_from": "2024-03-04", "date_to": "2024-03-11", "daysOfWeek": [1, 5]}
    assert told(plan(dateRange=dates).current) == ["04-05", "08-09", "11-12"]
    assert told(plan(dateRange=dates, intervalCount=2).current) == ["04-05", "08-12"]


def test_criteria_and_sums() -> None:
    asked = {
        "computedAs": "cumulative",
        "stickinessCriteria": {"operator": "lte", "value": "3"},
        "display": "ActionsBar",
    }
    made = plan(stickinessFilter=asked)
    assert (made.criteria, made.cumulative) == (Criteria("lte", 3), True)


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"interval": "minute"}, "interval"),
        ({"interval": "year"}, "interval"),
        ({"intervalCount": -1}, "intervalCount"),
        ({"breakdownFilter": {"breakdown": "a"}}, "breakdownFilter"),
        ({"breakdownFilter": {"breakdowns": [{"property": "a"}]}}, "breakdownFilter"),
        ({"stickinessFilter": {"stickinessCriteria": {"operator": "gt", "value": 1}}},
         "stickinessFilter__stickinessCriteria__operator"),
        ({"stickinessFilter": {"stickinessCriteria": {"operator": "gte", "value": -1}}},
         "stickinessFilter__stickinessCriteria__value"),
        ({"series": []}, "series"),
        ({"series": [{**A, "math": "unique_group"}]}, "series__0__math_group_type_index"),
        ({"series": [{**A, "math": "hogql", "math_hogql": "count()"}]}, "series__0__math_hogql"),
        ({"series": [{**A, "math": "most"}]}, "series__0__math"),
        ({"series": [{"kind": "DataWarehouseNode"}]}, "series"),
        ({"samplingFactor": 2}, "samplingFactor"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_refused_by_its_member(asked: dict[str, Any], attr: str) -> None:
    document = {"kind": "StickinessQuery", "series": [A], **asked}
    with pytest.raises(InvalidQuery) as refused:
        plan_stickiness(reading.node(document, StickinessQuery, None), FACTS)
    assert refused.value.attr == attr


def test_a_breakdown_filter_that_names_none_is_none() -> None:
    assert plan(breakdownFilter={"breakdown_type": "event", "breakdown": ""}).series


def test_an_actors_query_points_at_a_number_of_intervals() -> None:
    source, made = query(), plan()
    found = pointed(made, InsightActorsQuery(source=source, day=3))
    assert (found.series, found.intervals, found.operator) == (made.series[0], 3, "exact")
    summed = plan(stickinessFilter={"computedAs": "cumulative"})
    assert pointed(summed, InsightActorsQuery(source=source, day="3")).operator == "gte"
    own = StickinessActorsQuery(source=source, day=3, operator="lte")
    assert pointed(summed, own).operator == "lte"
    assert pointed(made, InsightActorsQuery(source=source)).intervals is None


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"day": "2024-03-01"}, "day"),
        ({"day": -1}, "day"),
        ({"series": 1}, "series"),
        ({"compare": "previous"}, "compare"),
    ],
)
def test_a_number_that_is_not_there_is_refused(asked: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        pointed(plan(), InsightActorsQuery(source=query(), **asked))
    assert refused.value.attr == attr
