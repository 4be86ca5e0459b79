"""What a trend reads: which events and records, from when to when, and what the clock decides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.common.insights.results.marks import (
    MERGES,
    PERSONS,
    PERSONS_MADE,
    of_event,
    of_group,
    of_groups,
    of_person,
)
from services.query.insights.trends import inputs
from services.query.insights.trends.plan import TrendsPlan
from tests.services.query.insights.trends.test_planning import FACTS, NOW, A, plan

DATES = {"date_from": "2024-03-01", "date_to": "2024-03-05"}
FIRST, LAST = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 6, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def events(*names: str) -> frozenset[int]:
    return frozenset(of_event(name) for name in names)


def test_a_trend_reads_its_series_in_its_range() -> None:
    action = {"kind": "ActionsNode", "id": 3}
    read = inputs.of_trends(plan(A, action, dateRange=DATES))
    assert read.events == events("a", "buy", "order")
    assert (read.since, read.until) == (FIRST, LAST - MICROSECOND)
    assert read.records == {MERGES}


@pytest.mark.parametrize(
    ("math", "since"),
    [
        ("weekly_active", FIRST - timedelta(days=6)),
        ("monthly_active", FIRST - timedelta(days=29)),
        ("first_time_for_user", None),
        ("first_matching_event_for_user", None),
        ("dau", FIRST),
    ],
)
def test_some_look_back(math: str, since: datetime | None) -> None:
    assert inputs.of_trends(plan({**A, "math": math}, dateRange=DATES)).since == since


def test_a_first_time_reads_events_that_its_filters_leave_out() -> None:
    group = {"kind": "GroupNode", "nodes": [A], "properties": [{"key": "x", "value": 1}]}
    read = inputs.of_trends(plan({**group, "math": "first_time_for_user"}))
    assert read.events == events("a")


def test_the_previous_range_is_read_too() -> None:
    compare = {"compare": True, "compare_to": "-1w"}
    read = inputs.of_trends(plan(dateRange=DATES, compareFilter=compare))
    assert (read.since, read.until) == (FIRST - timedelta(days=7), LAST - MICROSECOND)


SESSIONS = {"breakdown": "$is_bounce", "breakdown_type": "session"}


@pytest.mark.parametrize(
    "planned",
    [
        plan({"kind": "EventsNode"}),
        plan({**A, "math": "avg", "math_property": "$session_duration"}),
        plan(breakdownFilter=SESSIONS),
    ],
)
def test_some_read_events_of_any_name(planned: TrendsPlan) -> None:
    assert inputs.of_trends(planned).events is None


@pytest.mark.parametrize(
    ("planned", "marks"),
    [
        (
            plan({**A, "math": "sum", "math_property": "age",
                  "math_property_type": "person_properties"}),
            {of_person("age")},
        ),
        (
            plan({**A, "math": "hogql", "math_hogql": "sum(person.properties.age)"}),
            {of_person("age")},
        ),
        (
            plan(breakdownFilter={"breakdowns": [
                {"property": "city", "type": "group", "group_type_index": 1},
                {"property": "person.properties.plan", "type": "hogql"},
            ]}),
            {of_group(1, "city"), of_person("plan")},
        ),
        (
            plan(breakdownFilter={"breakdown": [5, "all"], "breakdown_type": "cohort"}),
            {PERSONS_MADE},
        ),
        (plan(properties=[{"key": "id", "type": "cohort", "value": 5}]), {PERSONS_MADE}),
    ],
)  # fmt: skip
def test_records_beside_events_are_read(planned: TrendsPlan, marks: set[int]) -> None:
    assert inputs.of_trends(planned).records == {MERGES} | marks


def test_a_page_of_people_shows_their_records() -> None:
    planned = plan(A, {**A, "math": "unique_group", "math_group_type_index": 2})
    persons, groups = (inputs.of_people(planned, one).records for one in planned.series)
    assert persons == {MERGES, PERSONS}
    assert groups == {MERGES, of_groups(2)}


def clock(now: datetime, *others: object, **query: Any) -> bytes:
    planned = plan(facts=msgspec.structs.replace(FACTS, now=now), **query)
    return inputs.clock(planned, *others)


def test_the_clock_decides_nothing_within_a_day() -> None:
    assert clock(NOW) == clock(NOW + timedelta(hours=3))
    assert clock(NOW) != clock(NOW + timedelta(days=1))
    assert clock(NOW) != clock(NOW, "the people of a point")


@pytest.mark.parametrize(
    "query",
    [
        {"interval": "hour"},
        {"dateRange": {"date_from": "-3h"}, "compareFilter": {"compare": True}},
        {"properties": [{"key": "at", "operator": "is_date_after", "value": "-1d"}]},
    ],
)
def test_some_move_with_the_hour(query: dict[str, Any]) -> None:
    assert clock(NOW, **query) != clock(NOW + timedelta(hours=1), **query)
