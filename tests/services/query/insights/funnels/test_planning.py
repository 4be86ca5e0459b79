"""From query to plan: the rules of funnels.md section 2 in their words, then what a plan holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.queries import kinds, legacy
from contracts.queries.actions import Action, ActionStep
from contracts.queries.errors import InvalidQuery
from services.query.events.actors import ExpressionActor, GroupActor, PersonActor
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    EventNamed,
    InCohort,
    OnDays,
    PropertyIs,
)
from services.query.events.facts import PlanningFacts
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from services.query.insights.funnels.planning import interval_of, plan_funnel, plan_previous

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
FACTS = PlanningFacts(
    team_id=7,
    now=NOW,
    test_account_filters=[
        {"key": "email", "type": "person", "operator": "icontains", "value": "@us"}
    ],
    numeric=frozenset({("event", "price")}),
    path_cleaning=(("/[0-9]+", "/:id"),),
    actions={
        3: Action(3, "Bought", (ActionStep(event="buy"), ActionStep(event="order"))),
        4: Action(4, "Anything"),
    },
    cohorts={5: "Friends", 6: "Foes"},
)
A, B, C = ({"kind": "EventsNode", "event": name} for name in "abc")
FRIENDS = {"type": "cohort", "key": "id", "value": 5}


def plan(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> FunnelPlan:
    document = {"kind": "FunnelsQuery", "series": list(series or (A, B, C)), **query}
    return plan_funnel(kinds.read_funnel(document), facts)


def funnel(*series: Any, **filter_: Any) -> FunnelPlan:
    return plan(*series, funnelsFilter=filter_)


def exclusion(event: str = "x", from_step: Any = 0, to_step: Any = 1, **of: Any) -> dict[str, Any]:
    return {
        "kind": "EventsNode",
        "event": event,
        "funnelFromStep": from_step,
        "funnelToStep": to_step,
    } | of


def optional(node: dict[str, Any], **of: Any) -> dict[str, Any]:
    return {**node, "optionalInFunnel": True, **of}


def filtered(node: dict[str, Any], *filters: dict[str, Any]) -> dict[str, Any]:
    return {**node, "properties": list(filters)}


K = {"key": "k", "value": "v", "operator": "exact", "type": "event"}
J = {"key": "j", "value": 1, "operator": "gt", "type": "event"}
RANGE, EXCLUSIONS = "funnel_step_range_invalid", "funnel_exclusions_invalid"
OPTIONAL = "funnel_optional_steps_invalid"
BOUNDS = "is out of bounds. It must be between"
INVALID_RANGE = "Exclusion event range is invalid."


# The table, row by row


@pytest.mark.parametrize(
    ("series", "filter_", "code", "detail"),
    [
        ((A,), {}, "funnels_require_at_least_two_steps", "Funnels require at least two steps."),
        ((A, B, C), {"funnelFromStep": -1}, RANGE, f"funnelFromStep {BOUNDS} 0 and 1."),
        ((A, B, C), {"funnelFromStep": 2}, RANGE, f"funnelFromStep {BOUNDS} 0 and 1."),
        ((A, B, C), {"funnelToStep": 0}, RANGE, f"funnelToStep {BOUNDS} 1 and 2."),
        ((A, B, C), {"funnelToStep": 3}, RANGE, f"funnelToStep {BOUNDS} 1 and 2."),
        (
            (A, B, C),
            {"funnelFromStep": 1, "funnelToStep": 1},
            RANGE,
            "Funnel step range is invalid. funnelToStep should be greater than funnelFromStep.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion()], "funnelOrderType": "unordered"},
            EXCLUSIONS,
            "Partial Exclusions not allowed in unordered funnels",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(to_step=None)]},
            EXCLUSIONS,
            "Exclusion event needs to define funnel steps",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(from_step=1)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} End of range should be greater than start.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(from_step=2, to_step=3)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} Start of range is greater than number of steps.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion(to_step=3)]},
            EXCLUSIONS,
            f"{INVALID_RANGE} End of range is greater than number of steps.",
        ),
        (
            (A, B, C),
            {"exclusions": [exclusion("b")]},
            EXCLUSIONS,
            "Exclusion steps cannot contain an event that's part of funnel steps.",
        ),
        (
            (A, optional(B), C),
            {"funnelOrderType": "unordered"},
            OPTIONAL,
            "Optional funnel steps are only supported in funnels with step order Sequential or "
            'Strict and the graph type "Conversion Steps".',
        ),
        (
            (A, optional(B), C),
            {"funnelVizType": "trends"},
            OPTIONAL,
            "Optional funnel steps are only supported in funnels with step order Sequential or "
            'Strict and the graph type "Conversion Steps".',
        ),
        (
            (optional(A), B),
            {},
            OPTIONAL,
            "The first step of a funnel cannot be optional.",
        ),
        (
            (A, optional(B), B),
            {},
            OPTIONAL,
            "An optional step cannot be the same as the following required step.",
        ),
        (
            (A, B),
            {
                "funnelOrderType": "unordered",
                "breakdownAttributionType": "step",
                "breakdownAttributionValue": 1,
            },
            "invalid_input",
            "Only the first step can be used for breakdown attribution in unordered funnels",
        ),
        (
            (A, {"kind": "ActionsNode", "id": 9}),
            {},
            "invalid_input",
            "Action ID 9 does not exist!",
        ),
        (
            (A, B),
            {"funnelWindowIntervalUnit": "fortnight"},
            "invalid_input",
            "fortnight not supported",
        ),
    ],
)
def test_each_rule_answers_in_its_words(
    series: tuple[Any, ...], filter_: dict[str, Any], code: str, detail: str
) -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(*series, **filter_)
    assert (raised.value.attr, raised.value.code, raised.value.detail) == (None, code, detail)


def test_an_unknown_breakdown_type_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="Unsupported breakdown type: data_warehouse"):
        plan(breakdownFilter={"breakdown": "k", "breakdown_type": "data_warehouse"})


def test_the_first_broken_rule_answers() -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(optional(A), B, funnelToStep=5, exclusions=[exclusion(to_step=None)])
    assert raised.value.code == RANGE
    with pytest.raises(InvalidQuery) as raised:
        funnel(optional(A), B, exclusions=[exclusion(to_step=None)])
    assert raised.value.code == EXCLUSIONS


def test_time_to_convert_names_the_steps_it_can_end_at() -> None:
    with pytest.raises(InvalidQuery) as raised:
        funnel(A, B, C, funnelVizType="time_to_convert", funnelToStep=3)
    assert raised.value.detail == (
        "Filter parameter funnel_to_step can only be one of 1, 2 for time to convert!"
    )


def test_an_exclusion_counts_as_a_step_only_when_it_holds_all_of_the_steps_filters() -> None:
    def excluded(step: Any, barred: Any) -> FunnelPlan:
        return funnel(A, step, exclusions=[barred])

    with pytest.raises(InvalidQuery):
        excluded(B, exclusion("b", properties=[K]))
    with pytest.raises(InvalidQuery):
        excluded(filtered(B, K), exclusion("b", properties=[J, K]))
    assert excluded(filtered(B, K), exclusion("b")).exclusions
    assert excluded(filtered(B, K), exclusion("b", properties=[J])).exclusions
    assert funnel(A, B, C, exclusions=[exclusion("c")]).exclusions


def test_an_excluded_action_is_compared_by_its_id() -> None:
    bought = {"kind": "ActionsNode", "id": 3}
    barred = {
        "kind": "ActionsNode",
        "id": 3,
        "funnelFromStep": 0,
        "funnelToStep": 1,
    }
    with pytest.raises(InvalidQuery) as raised:
        funnel(A, bought, exclusions=[barred])
    assert raised.value.code == EXCLUSIONS


def test_a_step_that_takes_whatever_an_optional_one_waits_for_cannot_follow_it() -> None:
    for after in (filtered(B, K, J), filtered(B, K), B):
        with pytest.raises(InvalidQuery):
            funnel(A, optional(filtered(B, K, J)), after)
    assert len(funnel(A, optional(B), filtered(B, K)).steps) == 3
    assert len(funnel(A, optional(filtered(B, J)), filtered(B, K)).steps) == 3


# Ours


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"funnelsFilter": {"funnelWindowInterval": -1}}, "funnelsFilter__funnelWindowInterval"),
        ({"funnelsFilter": {"funnelWindowInterval": 10**9}}, "funnelsFilter__funnelWindowInterval"),
        (
            {"funnelsFilter": {"breakdownAttributionType": "step"}},
            "funnelsFilter__breakdownAttributionValue",
        ),
        (
            {"funnelsFilter": {"breakdownAttributionType": "step", "breakdownAttributionValue": 3}},
            "funnelsFilter__breakdownAttributionValue",
        ),
        ({"funnelsFilter": {"funnelOrderType": "random"}}, "query__funnelsFilter__funnelOrderType"),
        ({"samplingFactor": 1.5}, "samplingFactor"),
        ({"samplingFactor": 0}, "samplingFactor"),
        ({"series": [A] * 65}, "series"),
        ({"funnelsFilter": {"exclusions": [exclusion()] * 65}}, "funnelsFilter__exclusions"),
        ({"aggregation_group_type_index": 5}, "aggregation_group_type_index"),
        ({"dateRange": {"date_from": "soon"}}, "date_from"),
        (
            {"breakdownFilter": {"breakdown": "k", "breakdown_limit": 0}},
            "breakdownFilter__breakdown_limit",
        ),
        ({"series": [A, {"kind": "DataWarehouseNode", "id": "t"}]}, "series"),
        (
            {"funnelsFilter": {"funnelAggregateByHogQL": "1 +"}},
            "funnelsFilter__funnelAggregateByHogQL",
        ),
    ],
)
def test_our_own_refusals_name_the_field(query: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        plan(**query)
    assert raised.value.attr == attr


def test_sixty_four_steps_are_served() -> None:
    assert len(plan(*[A] * 64).steps) == 64


def test_a_legacy_funnel_may_have_one_step_but_not_none() -> None:
    one = plan_funnel(legacy.convert({"events": [{"id": "a"}]}), FACTS, legacy=True)
    assert (len(one.steps), one.view) == (1, StepsView())
    with pytest.raises(InvalidQuery, match="at least two steps"):
        plan_funnel(legacy.convert({}), FACTS, legacy=True)


# What a plan holds


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
    assert interval_of(kinds.read_funnel(document)) == told


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
    (barred,) = funnel(A, B, C, exclusions=[exclusion(to_step=2, properties=[K])]).exclusions
    assert barred.bars == range(2, 4)
    assert isinstance(barred.matches, AllOf)


def test_exclusions_of_the_same_steps_are_one() -> None:
    both, last = funnel(
        A, B, C, exclusions=[exclusion("x"), exclusion("z", 1, 2), exclusion("y"), exclusion("x")]
    ).exclusions
    assert both.matches == AnyOf((EventNamed(("x",)), EventNamed(("y",))))
    assert (both.bars, last.bars) == (range(2, 3), range(3, 4))


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
        query = kinds.read_funnel({**document, "compareFilter": compare})
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


# Filters


def only(**filter_: Any) -> Any:
    return plan(properties=[{"key": "k", **filter_}]).filters


@pytest.mark.parametrize(
    ("filter_", "condition"),
    [
        ({"value": "v"}, PropertyIs("event", "k", "exact", ("v",))),
        ({"value": ["v", 1], "operator": "in"}, PropertyIs("event", "k", "exact", ("v", 1))),
        ({"value": 1, "operator": "min"}, PropertyIs("event", "k", "gte", (1,))),
        ({"value": 1, "operator": "max"}, PropertyIs("event", "k", "lte", (1,))),
        ({"value": "v", "operator": "not_in"}, PropertyIs("event", "k", "is_not", ("v",))),
        ({"value": "", "type": "feature"}, PropertyIs("event", "k", "exact", ("",))),
        ({"operator": "is_set"}, PropertyIs("event", "k", "is_set")),
        (
            {"value": ["1", 2], "operator": "between"},
            PropertyIs("event", "k", "between", (1.0, 2.0)),
        ),
        (
            {"value": 1, "type": "group", "group_type_index": 2},
            PropertyIs("group", "k", "exact", (1,), group_type_index=2),
        ),
        (
            {"value": "-7d", "operator": "is_date_before"},
            PropertyIs("event", "k", "is_date_before", ("2024-03-06T15:30:00+00:00",)),
        ),
        (
            {"value": ["-7d", "2024-03-12"], "operator": "is_date_between"},
            PropertyIs(
                "event",
                "k",
                "is_date_between",
                ("2024-03-06T15:30:00+00:00", "2024-03-12T23:59:59.999999+00:00"),
            ),
        ),
        (
            {"value": "/a/7", "operator": "is_cleaned_path_exact"},
            PropertyIs(
                "event",
                "k",
                "is_cleaned_path_exact",
                ("/a/7",),
                path_rules=(("/[0-9]+", "/:id"),),
            ),
        ),
        ({"key": "price", "value": 1}, PropertyIs("event", "price", "exact", (1,), numeric=True)),
        (FRIENDS, InCohort(5)),
        (FRIENDS | {"operator": "not_in"}, InCohort(5, negated=True)),
        (FRIENDS | {"negation": True, "value": "6"}, InCohort(6, negated=True)),
        (FRIENDS | {"value": [5, 6]}, AnyOf((InCohort(5), InCohort(6)))),
        ({"type": "empty"}, ALWAYS),
        ({"type": "flag", "value": True}, ALWAYS),
        ({"value": None}, ALWAYS),
        ({"value": []}, ALWAYS),
        ({"value": {"a": 1}}, ALWAYS),
    ],
)
def test_a_filter_becomes_a_condition(filter_: dict[str, Any], condition: Any) -> None:
    assert only(**filter_) == condition


@pytest.mark.parametrize(
    ("filter_", "detail"),
    [
        ({"type": "recording"}, "Property type recording is not supported in funnels."),
        ({"type": "session", "value": 1}, "Session property k is not supported."),
        ({"type": "event_metadata", "value": 1}, "Event metadata k is not supported."),
        (
            {"type": "element", "key": "selector", "value": "a"},
            "Selector filters are not supported.",
        ),
        (
            {"type": "element", "key": "tag_name", "value": "a", "operator": "regex"},
            "tag_name can only be compared with exact and is_not.",
        ),
        (FRIENDS | {"value": 9}, "Cohort ID 9 does not exist!"),
        ({"value": 1, "operator": "near"}, "Operator near is not supported."),
        (
            {"value": [2, 1], "operator": "between"},
            "Operator between needs two numbers, the smaller one first.",
        ),
        (
            {"value": "x", "operator": "not_between"},
            "Operator not_between needs two numbers, the smaller one first.",
        ),
        ({"value": "soon", "operator": "is_date_after"}, "'soon' is not a date that can be read."),
        (
            {"value": ["2024-03-02", "2024-03-01"], "operator": "is_date_between"},
            "Operator is_date_between needs two dates, the earlier one first.",
        ),
        (
            {"value": "2024-03-02", "operator": "is_date_not_between"},
            "Operator is_date_not_between needs two dates, the earlier one first.",
        ),
        ({"value": "new", "operator": "semver_gt"}, "'new' is not a version that can be read."),
        ({"value": "(", "operator": "regex"}, "Invalid regular expression '(': missing ): (."),
        (
            {"type": "hogql", "key": "sleep(1)"},
            "SQL expression not supported: unknown function 'sleep'.",
        ),
    ],
)
def test_a_filter_that_is_not_served_says_why(filter_: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        only(**filter_)
    assert (raised.value.attr, raised.value.detail) == ("properties", detail)


def test_groups_nest_and_what_says_nothing_is_left_out() -> None:
    empty = {"type": "AND", "values": []}
    tree = {"type": "OR", "values": [K, {"type": "AND", "values": [J, K, empty]}]}
    k, j = PropertyIs("event", "k", "exact", ("v",)), PropertyIs("event", "j", "gt", (1,))
    assert plan(properties=tree).filters == AnyOf((k, AllOf((j, k))))
    assert plan(properties={"type": "OR", "values": [K, empty]}).filters == ALWAYS
    assert plan(properties=empty).filters == ALWAYS
