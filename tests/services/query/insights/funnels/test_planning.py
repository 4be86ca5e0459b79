"""What a plan holds, from its query."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.actions import Action, ActionStep
from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import FunnelsQuery
from services.query.events.actors import ExpressionActor, GroupActor, PersonActor
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    EventNamed,
    OnDays,
    PropertyIs,
)
from services.query.events.facts import PlanningFacts
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from services.query.insights.funnels.planning import interval_of, plan_funnel, plan_previous
from tests.services.query.insights.funnels.asking import (
    FACTS,
    NOW,
    A,
    B,
    C,
    K,
    exclusion,
    filtered,
    funnel,
    plan,
)


def test_everything_is_defaulted() -> None:
    bare = plan(A, B)
    assert (bare.team_id, bare.order, bare.view) == (7, "ordered", StepsView())
    assert bare.window_seconds == 14 * 86_400
    assert (bare.date_from, bare.date_to) == (datetime(2024, 3, 6, tzinfo=UTC), NOW)
    trend = funnel(A, B, funnelVizType="trends")
    assert trend.view == TrendView(from_step=1, to_step=2, interval="day", hide_incomplete=False)
    assert funnel(A, B, funnelVizType="time_to_convert").view == TimesView(
        from_step=1, to_step=2, bins=None
    )
    assert (bare.filters, bare.actor, bare.breakdown, bare.sample) == (
        ALWAYS,
        PersonActor(),
        None,
        None,
    )
    assert [(step.action_id, step.name, step.type) for step in bare.steps] == [
        ("a", "a", "events"),
        ("b", "b", "events"),
    ]


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        ("second", 2),
        ("minute", 120),
        ("hour", 7_200),
        ("Days", 172_800),
        ("weeks", 1_209_600),
        ("month", 5_356_800),
    ],
)
def test_a_window_is_absolute_time(unit: str, seconds: int) -> None:
    assert funnel(funnelWindowInterval=2, funnelWindowIntervalUnit=unit).window_seconds == seconds


def test_steps_are_numbered_from_one() -> None:
    ranged = funnel(A, B, C, funnelVizType="trends", funnelFromStep=1, funnelToStep=2)
    assert ranged.view == TrendView(from_step=2, to_step=3)


def test_flow_is_shown_as_steps_and_minutes_as_hours() -> None:
    assert funnel(funnelVizType="flow").view == StepsView()
    hourly = plan(interval="minute", funnelsFilter={"funnelVizType": "trends"})
    assert hourly.view == TrendView(from_step=1, to_step=3, interval="hour")


@pytest.mark.parametrize(("sent", "told"), [(None, "day"), ("minute", "hour"), ("week", "week")])
def test_the_interval_is_the_querys_also_where_no_trend_is_shown(sent: str, told: str) -> None:
    """How soon a kept result is stale hangs on it."""
    document = {"kind": "FunnelsQuery", "series": [A, B], "interval": sent}
    assert interval_of(reading.node(document, FunnelsQuery)) == told


def test_no_bins_are_automatic_ones() -> None:
    for sent, bins in ((0, None), (3, 3)):
        times = funnel(funnelVizType="time_to_convert", binCount=sent)
        assert times.view == TimesView(from_step=1, to_step=3, bins=bins)


def test_the_filters_of_test_accounts_join_the_global_ones() -> None:
    own = PropertyIs("event", "k", "exact", ("v",))
    test = PropertyIs("person", "email", "icontains", ("@us",))
    assert plan(properties=[K]).filters == own
    assert plan(properties=[K], filterTestAccounts=True).filters == AllOf((own, test))
    assert plan(filterTestAccounts=True).filters == test


def test_days_of_the_week_join_the_global_filters() -> None:
    assert plan(dateRange={"daysOfWeek": [7, 6, 7]}).filters == OnDays((6, 7))
    assert plan(dateRange={"daysOfWeek": []}).filters == ALWAYS
    own = PropertyIs("event", "k", "exact", ("v",))
    assert plan(properties=[K], dateRange={"daysOfWeek": [1]}).filters == AllOf((own, OnDays((1,))))


@pytest.mark.parametrize("day", [0, 8, "Monday"])
def test_a_week_has_seven_days_from_1(day: object) -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan(dateRange={"daysOfWeek": [1, day]})
    assert refused.value.attr == "query__dateRange__daysOfWeek__1"


def test_an_actor_is_a_person_a_group_or_an_expression() -> None:
    assert plan(aggregation_group_type_index=0).actor == GroupActor(0)
    by_session = {"funnelAggregateByHogQL": "properties.$session_id"}
    assert plan(funnelsFilter=by_session).actor == ExpressionActor("properties.$session_id")
    assert plan(funnelsFilter={"funnelAggregateByHogQL": "person_id"}).actor == PersonActor()
    assert plan(funnelsFilter=by_session, aggregation_group_type_index=2).actor == GroupActor(2)


def test_all_of_everybody_is_no_sample() -> None:
    assert plan(samplingFactor=1).sample is None
    assert plan(samplingFactor=0.1).sample == 0.1


def test_a_step_knows_its_event_with_and_without_filters() -> None:
    step = plan(filtered(A, K), B).steps[0]
    event = EventNamed(("a",))
    assert step.entity == event
    assert step.matches == AllOf((event, PropertyIs("event", "k", "exact", ("v",))))


def test_fixed_properties_filter_like_properties() -> None:
    fixed = {**A, "fixedProperties": [K]}
    assert plan(fixed, B).steps[0].matches == plan(filtered(A, K), B).steps[0].matches


def test_any_event_is_always_true() -> None:
    step = plan({"kind": "EventsNode", "event": None}, B).steps[0]
    assert (step.matches, step.action_id, step.name) == (ALWAYS, None, None)


def test_an_action_is_any_of_its_steps() -> None:
    bought, anything = (
        plan({"kind": "ActionsNode", "id": id_, "custom_name": "X"}, B).steps[0] for id_ in (3, 4)
    )
    assert bought.matches == AnyOf((EventNamed(("buy",)), EventNamed(("order",))))
    assert (bought.action_id, bought.name, bought.custom_name, bought.type) == (
        3,
        "Bought",
        "X",
        "actions",
    )
    assert anything.matches == ALWAYS


def test_a_group_of_events_is_any_of_them() -> None:
    step = plan({"kind": "GroupNode", "nodes": [A, B], "custom_name": "X"}, C).steps[0]
    assert step.matches == AnyOf((EventNamed(("a",)), EventNamed(("b",))))
    assert (step.action_id, step.name, step.custom_name) == ("a, b", "a, b", "X")
    assert step.type == "group"


def test_a_group_is_called_what_its_nodes_are_called() -> None:
    bought, anything = {"kind": "ActionsNode", "id": 3}, {"kind": "EventsNode"}
    step = plan({"kind": "GroupNode", "name": "Y", "nodes": [bought, anything]}, C).steps[0]
    assert (step.name, step.matches) == ("Bought, All events", ALWAYS)


def test_a_group_is_never_all_of_its_nodes() -> None:
    with pytest.raises(InvalidQuery, match="only support the OR operator, got AND"):
        plan({"kind": "GroupNode", "operator": "AND", "nodes": [A, B]}, C)


def test_only_first_time_mathematics_counts() -> None:
    steps = plan({**A, "math": "first_time_for_user"}, {**B, "math": "dau"}).steps
    assert [step.first_time for step in steps] == ["first_time_for_user", None]


def test_an_exclusion_bars_the_steps_between() -> None:
    (excluded,) = funnel(A, B, C, exclusions=[exclusion(to_step=2, properties=[K])]).exclusions
    assert excluded.steps == range(2, 4)
    assert isinstance(excluded.matches, AllOf)


def test_exclusions_of_the_same_steps_are_one() -> None:
    both, last = funnel(
        A, B, C, exclusions=[exclusion("x"), exclusion("z", 1, 2), exclusion("y"), exclusion("x")]
    ).exclusions
    assert both.matches == AnyOf((EventNamed(("x",)), EventNamed(("y",))))
    assert (both.steps, last.steps) == (range(2, 3), range(3, 4))


def test_pathological_actions_are_read_step_by_step() -> None:
    step = ActionStep(
        event="$autocapture",
        url="/buy%",
        tag_name="a",
        href="/GO",
        href_matching="contains",
        text="^Buy",
        text_matching="regex",
        properties=[K],
    )
    facts = PlanningFacts(team_id=7, now=NOW, actions={1: Action(1, "Click", (step,))})
    assert plan({"kind": "ActionsNode", "id": 1}, B, facts=facts).steps[0].matches == AllOf(
        (
            EventNamed(("$autocapture",)),
            PropertyIs("event", "$current_url", "contains", ("/buy%",)),
            PropertyIs("element", "tag_name", "exact", ("a",)),
            PropertyIs("element", "href", "icontains", ("/GO",)),
            PropertyIs("element", "text", "regex", ("^Buy",)),
            PropertyIs("event", "k", "exact", ("v",)),
        )
    )


def test_elements_of_other_events_than_autocapture_are_not_looked_at() -> None:
    facts = PlanningFacts(
        team_id=7, now=NOW, actions={1: Action(1, "X", (ActionStep(event="x", text="Buy"),))}
    )
    step = plan({"kind": "ActionsNode", "id": 1}, B, facts=facts).steps[0]
    assert step.matches == EventNamed(("x",))


# Comparing


def test_a_funnel_is_compared_with_the_period_just_before_or_some_time_earlier() -> None:
    def previous(date_from: str = "2024-03-04", **compare: Any) -> FunnelPlan | None:
        dates = {"date_from": date_from, "date_to": "2024-03-10"}
        document = {"kind": "FunnelsQuery", "series": [A, B], "dateRange": dates}
        query = reading.node({**document, "compareFilter": compare}, FunnelsQuery)
        return plan_previous(plan_funnel(query, FACTS), query, FACTS)

    before = previous(compare=True)
    assert before is not None
    assert before.date_from == datetime(2024, 2, 26, tzinfo=UTC)
    assert before.date_to == datetime(2024, 3, 4, tzinfo=UTC) - timedelta(microseconds=1)
    month = previous(compare=True, compare_to="-1m")
    assert month is not None
    assert month.date_from == datetime(2024, 2, 4, tzinfo=UTC)
    assert previous(compare=False) is None
    assert previous("all", compare=True) is None
