"""What a plan reads: which events and records, from when to when, and what the clock decides."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.queries import reading
from contracts.queries.nodes import FunnelsQuery
from contracts.queries.properties import read
from services.common.insights.results.marks import (
    MERGES,
    PERSONS,
    PERSONS_MADE,
    of_event,
    of_group,
    of_groups,
    of_person,
)
from services.query.events.facts import PlanningFacts
from services.query.insights.funnels import inputs
from services.query.insights.funnels.correlation.question import (
    OfEventProperties,
    OfEvents,
    OfRecords,
)
from services.query.insights.funnels.people.selection import AtStep
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.planning import plan_funnel, plan_previous
from tests.services.query.insights.funnels.asking import FACTS, NOW, A, B, exclusion, plan


def events(*names: str) -> frozenset[int]:
    return frozenset(of_event(name) for name in names)


def filtered(type_: str, key: str, **more: Any) -> FunnelPlan:
    return plan(A, B, properties=[{"type": type_, "key": key, "value": "x", **more}])


def test_a_funnel_reads_its_steps_and_exclusions_in_its_range() -> None:
    planned = plan(A, B, funnelsFilter={"exclusions": [exclusion("x")]})
    read = inputs.of_funnel(planned)
    assert read.events == events("a", "b", "x")
    assert (read.since, read.until) == (planned.date_from, planned.date_to)
    assert read.records == {MERGES}


@pytest.mark.parametrize(
    "planned",
    [
        plan(A, B, funnelsFilter={"funnelOrderType": "strict"}),
        plan(A, {"kind": "EventsNode"}),
        plan(A, {"kind": "ActionsNode", "id": 4}),
        filtered("session", "$entry_pathname"),
        plan(A, B, breakdownFilter={"breakdown": "$is_bounce", "breakdown_type": "session"}),
    ],
)
def test_some_read_events_of_any_name(planned: FunnelPlan) -> None:
    assert inputs.of_funnel(planned).events is None


def test_actions_are_read_by_the_names_of_their_steps() -> None:
    assert inputs.of_funnel(plan(A, {"kind": "ActionsNode", "id": 3})).events == events(
        "a", "buy", "order"
    )


def test_sessions_and_first_times_are_read_whenever_they_were() -> None:
    session = inputs.of_funnel(filtered("session", "$session_duration"))
    assert (session.since, session.until) == (None, None)
    planned = plan({**A, "math": "first_time_for_user"}, B)
    first = inputs.of_funnel(planned)
    assert (first.since, first.until) == (None, planned.date_to)


@pytest.mark.parametrize(
    ("planned", "beside"),
    [
        (filtered("person", "plan"), {of_person("plan")}),
        (filtered("group", "size", group_type_index=2), {of_group(2, "size")}),
        (filtered("event", "plan"), set()),
        (filtered("hogql", "person.properties.plan = 'x' OR lower(person.properties.b) = 'y'"),
         {of_person("plan"), of_person("b")}),
        (plan(A, B, filterTestAccounts=True), {of_person("email")}),
        (plan({**A, "properties": [{"type": "person", "key": "k", "value": 1}]}, B),
         {of_person("k")}),
        (plan(A, B, breakdownFilter={"breakdown": "city", "breakdown_type": "person"}),
         {of_person("city")}),
        (plan(A, B, breakdownFilter={"breakdown": "size", "breakdown_type": "group",
         "breakdown_group_type_index": 1}), {of_group(1, "size")}),
        (plan(A, B, breakdownFilter={"breakdown": ["all", 5], "breakdown_type": "cohort"}),
         {PERSONS_MADE}),
        (plan(A, B, funnelsFilter={"funnelAggregateByHogQL": "person.properties.house"}),
         {of_person("house")}),
    ],
)  # fmt: skip
def test_records_are_read_where_the_plan_asks_for_them(
    planned: FunnelPlan, beside: set[int]
) -> None:
    assert inputs.of_funnel(planned).records == {MERGES, *beside}


def test_a_cohort_reads_what_its_definition_and_those_in_it_read() -> None:
    inner = {"type": "AND", "values": [{"type": "person", "key": "city", "value": "Oslo"}]}
    outer = {"type": "OR", "values": [
        {"type": "cohort", "key": "id", "value": 6},
        {"type": "person", "key": "plan", "value": "pro"},
    ]}  # fmt: skip
    facts: PlanningFacts = msgspec.structs.replace(
        FACTS, definitions={5: read(outer, "cohort"), 6: read(inner, "cohort")}
    )
    planned = plan(A, B, facts=facts, properties=[{"type": "cohort", "key": "id", "value": 5}])
    assert inputs.of_funnel(planned).records == {
        MERGES, PERSONS_MADE, of_person("plan"), of_person("city"),
    }  # fmt: skip


def test_a_comparison_reads_the_period_before_too() -> None:
    document = {"kind": "FunnelsQuery", "series": [A, B], "compareFilter": {"compare": True}}
    query = reading.node(document, FunnelsQuery)
    planned = plan_funnel(query, FACTS)
    previous = plan_previous(planned, query, FACTS)
    assert previous is not None
    assert inputs.of_funnel(planned, previous).since == previous.date_from


def test_people_and_correlations_read_more() -> None:
    planned = plan(A, B)
    assert PERSONS in inputs.of_actors(planned, AtStep(step=1)).records
    companies = plan(A, B, aggregation_group_type_index=3)
    assert of_groups(3) in inputs.of_actors(companies, AtStep(step=1)).records
    assert inputs.of_correlation(planned, OfEvents()).events is None
    named = inputs.of_correlation(planned, OfEventProperties(events=("c",)))
    assert named.events == events("a", "b", "c")
    assert PERSONS in inputs.of_correlation(planned, OfRecords(names=None)).records


LATER = timedelta(minutes=7)
TRENDS = {"funnelsFilter": {"funnelVizType": "trends"}, "interval": "hour"}


def digests(later: timedelta, *, pending: bool = False, **query: Any) -> tuple[bytes, bytes]:
    """Of one query now, and so much later."""
    facts = msgspec.structs.replace(FACTS, now=NOW + later)
    return (
        inputs.clock(plan(A, B, **query), pending=pending),
        inputs.clock(plan(A, B, facts=facts, **query), pending=pending),
    )


@pytest.mark.parametrize(
    ("same", "later", "query"),
    [
        (True, LATER, {}),
        (True, LATER, TRENDS),
        (False, timedelta(hours=1), TRENDS),
        (False, timedelta(days=1), {**TRENDS, "interval": "week"}),
        (False, LATER, {"properties": [
            {"type": "event", "key": "at", "operator": "is_date_after", "value": "-7d"}]}),
        (False, LATER, {"pending": True}),
        (True, LATER, {"pending": True, "dateRange": {"date_to": "2024-03-10"}}),
    ],
)  # fmt: skip
def test_the_clock_makes_a_difference_only_where_something_hangs_on_it(
    same: bool, later: timedelta, query: dict[str, Any]
) -> None:
    now, then = digests(later, **query)
    assert (now == then) is same


def test_hidden_periods_come_out_with_the_clock() -> None:
    hides: dict[str, Any] = {
        "interval": "day",
        "funnelsFilter": {
            "funnelVizType": "trends",
            "funnelWindowInterval": 2,
            "funnelWindowIntervalUnit": "day",
            "hideIncompleteConversionWindowPeriods": True,
        },
        "dateRange": {"date_from": "2024-03-01", "date_to": "2024-03-13"},
    }
    now, then = digests(LATER, **hides)
    assert now == then
    now, then = digests(timedelta(days=1), **hides)
    assert now != then
