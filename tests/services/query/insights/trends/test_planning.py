"""From query to plan: what trends default to, and every refusal of trends.md section 14."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.queries import reading
from contracts.queries.actions import Action, ActionStep
from contracts.queries.errors import InvalidQuery
from contracts.queries.trends import TrendsQuery
from services.query.events.actors import GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, PropertyKey
from services.query.events.conditions import AllOf, AnyOf, EventNamed, OnDays, PropertyIs
from services.query.events.facts import PlanningFacts
from services.query.events.periods import days
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    AnyMath,
    Boxes,
    ByCohort,
    ByProperty,
    EventNumber,
    FirstTime,
    OfCounts,
    OfProperty,
    OneValue,
    PersonNumber,
    Points,
    RowKey,
    SessionNumber,
    Sessions,
    Spread,
    TimeNumber,
    Total,
    TrendsPlan,
)
from services.query.insights.trends.planning import plan_trends

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
FACTS = PlanningFacts(
    team_id=7,
    now=NOW,
    test_account_filters=[{"key": "test", "type": "event", "value": "no"}],
    actions={3: Action(3, "Bought", (ActionStep(event="buy"), ActionStep(event="order")))},
    cohorts={5: "Friends", 6: "Foes"},
)
A = {"kind": "EventsNode", "event": "a"}
PERSON = PersonActor()


def plan(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> TrendsPlan:
    document = {"kind": "TrendsQuery", "series": list(series or (A,)), **query}
    return plan_trends(reading.node(document, TrendsQuery, None), facts)


def math(name: str | None, interval: str = "day", display: str | None = None, **of: Any) -> AnyMath:
    shown = {"display": display} if display else {}
    made = plan({**A, "math": name, **of}, interval=interval, trendsFilter=shown)
    return made.series[0].math


def breakdown(display: str | None = None, **sent: Any) -> Any:
    shown = {"display": display} if display else {}
    return plan(breakdownFilter=sent, trendsFilter=shown).breakdown


# What is defaulted


def test_a_bare_query_counts_events_of_the_last_seven_days() -> None:
    made = plan()
    assert (made.team_id, made.shape, made.breakdown, made.formulas) == (7, Points(), None, ())
    assert days(made.span)[0::7] == ["2024-03-06", "2024-03-13"]
    (series,) = made.series
    assert (series.place, series.math, series.multiplier) == (0, Total(), None)
    assert (series.entity.id, series.entity.name) == ("a", "a")
    assert series.entity.matches == series.entity.entity == EventNamed(("a",))
    assert (made.previous, made.sample, made.display) == (None, None, "ActionsLineGraph")


def test_series_are_events_actions_and_groups_of_both() -> None:
    action = {"kind": "ActionsNode", "id": 3, "custom_name": "Paid"}
    any_event = {"kind": "EventsNode", "event": None}
    either = {"kind": "GroupNode", "nodes": [A, action], "math": "dau"}
    made = plan(A, action, any_event, either)
    named = [(one.entity.id, one.entity.name) for one in made.series]
    assert named == [
        ("a", "a"), ("Bought", "Bought"), (None, "All events"), ("a, Bought", "a, Bought"),
    ]  # fmt: skip
    assert (made.series[1].entity.action_id, made.series[1].entity.custom_name) == (3, "Paid")
    bought = AnyOf((EventNamed(("buy",)), EventNamed(("order",))))
    assert made.series[3].entity.matches == AnyOf((EventNamed(("a",)), bought))


def test_an_unknown_action_takes_its_row_with_it_and_the_others_keep_their_place() -> None:
    unknown = {"kind": "ActionsNode", "id": 99}
    made = plan(unknown, A, {"kind": "GroupNode", "nodes": [A, unknown]})
    assert [one.place for one in made.series] == [1]
    assert made.unknown == ((0, 99), (2, 99))
    assert made.named_series == 3


def test_filters_are_joined() -> None:
    color = {"key": "color", "value": "red"}
    made = plan(
        {**A, "properties": [color], "fixedProperties": [color]},
        properties=[color],
        filterTestAccounts=True,
        dateRange={"daysOfWeek": [5, 1, 5]},
    )
    red = PropertyIs("event", "color", "exact", ("red",))
    tested = PropertyIs("event", "test", "exact", ("no",))
    assert made.filters == AllOf((red, tested, OnDays((1, 5))))
    assert made.series[0].entity.matches == AllOf((EventNamed(("a",)), AllOf((red, red))))
    assert made.series[0].entity.entity == EventNamed(("a",))


@pytest.mark.parametrize(
    ("name", "of", "found"),
    [
        (None, {}, Total()),
        ("total", {}, Total()),
        ("dau", {}, Actors(PERSON)),
        ("dau", {"math_group_type_index": 0}, Actors(GroupActor(0))),
        ("unique_group", {"math_group_type_index": 4}, Actors(GroupActor(4))),
        ("weekly_active", {}, ActiveActors(PERSON, 7)),
        ("monthly_active", {"math_group_type_index": 1}, ActiveActors(GroupActor(1), 30)),
        ("unique_session", {}, Sessions()),
        ("first_time_for_user", {}, FirstTime(PERSON, matching=False)),
        ("first_matching_event_for_user", {}, FirstTime(PERSON, matching=True)),
        ("sum", {}, Total()),
        ("sum", {"math_property": "x"}, OfProperty("sum", EventNumber("x"))),
        ("p95", {"math_property": "$time"}, OfProperty("p95", TimeNumber())),
        (
            "avg",
            {"math_property": "x", "math_property_type": "person_properties"},
            OfProperty("avg", PersonNumber("x")),
        ),
        (
            "median",
            {"math_property": "$session_duration"},
            OfProperty("median", SessionNumber("$session_duration")),
        ),
        (
            "max",
            {"math_property": "$pageview_count", "math_property_type": "session_properties"},
            OfProperty("max", SessionNumber("$pageview_count")),
        ),
        ("p90_count_per_actor", {}, OfCounts("p90", PERSON)),
        ("min_count_per_actor", {"math_group_type_index": 2}, OfCounts("min", GroupActor(2))),
    ],
)
def test_each_math_is_of_a_family(name: str | None, of: dict[str, Any], found: AnyMath) -> None:
    assert math(name, **of) == found


@pytest.mark.parametrize(
    ("name", "interval", "display", "found"),
    [
        ("weekly_active", "hour", None, ActiveActors(PERSON, 7)),
        ("weekly_active", "week", None, Actors(PERSON)),
        ("weekly_active", "month", None, Actors(PERSON)),
        ("monthly_active", "week", None, ActiveActors(PERSON, 30)),
        ("monthly_active", "month", None, Actors(PERSON)),
        ("weekly_active", "month", "BoldNumber", ActiveActors(PERSON, 7)),
    ],
)
def test_windows_are_plain_where_a_period_is_as_long(
    name: str, interval: str, display: str | None, found: AnyMath
) -> None:
    assert math(name, interval, display) == found


@pytest.mark.parametrize(
    ("display", "shape"),
    [
        (None, Points()),
        ("ActionsBar", Points()),
        ("SlopeGraph", Points()),
        ("ActionsLineGraphCumulative", Points(cumulative=True)),
        ("BoldNumber", OneValue()),
        ("WorldMap", OneValue()),
        ("Progress", OneValue()),
    ],
)
def test_a_display_is_points_or_one_value(display: str | None, shape: object) -> None:
    made = plan(trendsFilter={"display": display} if display else {}, interval="month")
    assert made.shape == shape
    assert made.span.interval == ("day" if shape == OneValue() else "month")


def test_a_box_plot_spreads_its_numbers_and_ignores_the_rest() -> None:
    made = plan(
        {**A, "math": "avg", "math_property": "x"},
        trendsFilter={"display": "BoxPlot", "formula": "A"},
        breakdownFilter={"breakdown": "b"},
        compareFilter={"compare": True},
    )
    assert (made.shape, made.series[0].math) == (Boxes(), Spread(EventNumber("x")))
    assert (made.breakdown, made.formulas, made.previous) == (None, (), None)


def test_smoothing_is_of_points() -> None:
    assert plan(trendsFilter={"smoothingIntervals": 7}).shape == Points(smoothing=7)
    for nothing in (0, None, 1):
        assert plan(trendsFilter={"smoothingIntervals": nothing}).shape == Points()


def test_breakdowns_have_one_to_three_keys() -> None:
    one = breakdown(breakdown="$browser", breakdown_normalize_url=True, breakdown_limit=3)
    browser = RowKey(read=PropertyKey("event", "$browser"), normalize_url=True)
    assert one == ByProperty(keys=(browser,), limit=3)
    several = breakdown(
        breakdown="ignored",
        breakdowns=[
            {"property": "age", "type": "person", "histogram_bin_count": 4},
            {"property": "plan", "type": "group", "group_type_index": 2},
        ],
        breakdown_hide_other_aggregation=True,
    )
    assert several == ByProperty(
        keys=(
            RowKey(read=PropertyKey("person", "age"), bins=4),
            RowKey(read=GroupKey(2, "plan")),
        ),
        hide_other=True,
        listed=True,
    )
    assert breakdown(breakdowns=[{"property": "a"}]).listed
    assert breakdown(breakdown="a", breakdowns=[]) == breakdown(breakdown="a")
    assert breakdown("WorldMap", breakdown="$geoip_country_code").limit == 250
    assert breakdown(breakdown=None, breakdown_type="event") is None


def test_an_expression_loses_its_name() -> None:
    sent = "properties.a AS `my a`"
    assert breakdown(breakdown=sent, breakdown_type="hogql").keys[0].read == ExpressionKey(
        "properties.a"
    )


def test_cohorts_keep_the_order_they_were_asked_in() -> None:
    found = breakdown(breakdown=["all", 6, "5", 6], breakdown_type="cohort")
    assert found == ByCohort(((0, "all users"), (6, "Foes"), (5, "Friends")))


def test_the_first_kind_of_formula_that_is_there_counts() -> None:
    def texts(**shown: Any) -> list[tuple[str, str]]:
        return [(one.text, one.label) for one in plan(A, A, trendsFilter=shown).formulas]

    assert texts(formula="A/B") == [("A/B", "Formula (A/B)")]
    assert texts(formula="A", formulas=["", "a+b"]) == [("a+b", "Formula (a+b)")]
    nodes = [{"formula": "A*2", "custom_name": "Twice"}, {"formula": "B"}]
    assert texts(formula="A", formulas=["B"], formulaNodes=nodes) == [
        ("A*2", "Twice"), ("B", "Formula (B)"),
    ]  # fmt: skip
    assert texts(formula=" ", formulas=[], formulaNodes=[]) == []


# What is refused

EVERY_DAY = {"date_from": "2000-01-01", "date_to": "2020-01-01"}
WAREHOUSE = {"kind": "DataWarehouseNode", "id": "t", "table_name": "t"}


def with_display(display: str, **of: Any) -> dict[str, Any]:
    return {"trendsFilter": {"display": display, **of}}


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"interval": "quarter"}, "interval"),
        (with_display("Pie"), "trendsFilter__display"),
        (with_display("CalendarHeatmap"), "trendsFilter__display"),
        ({"series": [{**A, "math": "mode"}]}, "series__0__math"),
        ({"series": [A, {**A, "math": "p50"}]}, "series__1__math"),
        ({"properties": [{"key": "a", "value": 1, "operator": "like"}]}, "properties"),
        ({"breakdownFilter": {"breakdown": "a", "breakdown_type": "flag"}},
         "breakdownFilter__breakdown_type"),
        ({"breakdownFilter": {"breakdowns": [{"property": "a", "type": "flag"}]}},
         "breakdownFilter__breakdowns__0__type"),
        ({"breakdownFilter": {"breakdowns": [{"property": p} for p in "abcd"]}},
         "breakdownFilter__breakdowns"),
        ({"breakdownFilter": {"breakdowns": [{"property": 5, "type": "cohort"}]}},
         "breakdownFilter__breakdowns__0__type"),
        ({"trendsFilter": {"smoothingIntervals": 2}, "dateRange": {"daysOfWeek": [1]}},
         "trendsFilter__smoothingIntervals"),
        ({"breakdownFilter": {"breakdown": "x", "breakdown_type": "session"}},
         "breakdownFilter__breakdown"),
        ({"series": [{**A, "math": "sum", "math_property": "x",
                      "math_property_type": "session_properties"}]}, "series__0__math_property"),
        ({"series": [{**A, "math": "sum", "math_property": "x",
                      "math_property_type": "data_warehouse_properties"}]},
         "series__0__math_property_type"),
        ({"properties": [{"key": "id", "type": "cohort", "value": 9}]}, "properties"),
        ({"breakdownFilter": {"breakdown": [9], "breakdown_type": "cohort"}},
         "breakdownFilter__breakdown"),
        ({"series": [{**A, "math": "dau", "math_group_type_index": 5}]},
         "series__0__math_group_type_index"),
        ({"series": [{**A, "math_group_type_index": -1}]}, "series__0__math_group_type_index"),
        ({"series": [{**A, "math": "unique_group"}]}, "series__0__math_group_type_index"),
        ({"series": [{**A, "math": "hogql"}]}, "series__0__math_hogql"),
        ({"series": [{**A, "math": "hogql", "math_hogql": "properties.x"}]},
         "series__0__math_hogql"),
        ({"series": [{**A, "math": "hogql", "math_hogql": "topK(3)(properties.x)"}]},
         "series__0__math_hogql"),
        ({"series": [{**A, "math": "sum", "math_property": "x",
                      "math_property_revenue_currency": {"static": "EUR"}}]},
         "series__0__math_property_revenue_currency"),
        ({"trendsFilter": {"formula": "A^2"}}, "trendsFilter__formula"),
        ({"trendsFilter": {"formula": "B"}}, "trendsFilter__formula"),
        ({"trendsFilter": {"formula": "1 + 1"}}, "trendsFilter__formula"),
        ({"trendsFilter": {"formulas": ["A", "max(A)"]}}, "trendsFilter__formulas__1"),
        ({"trendsFilter": {"formulaNodes": [{"formula": "A)"}]}},
         "trendsFilter__formulaNodes__0__formula"),
        ({"compareFilter": {"compare": True, "compare_to": "last week"}},
         "compareFilter__compare_to"),
        ({"trendsFilter": {"smoothingIntervals": -1}}, "trendsFilter__smoothingIntervals"),
        ({"breakdownFilter": {"breakdown": "a", "breakdown_limit": 0}},
         "breakdownFilter__breakdown_limit"),
        ({"breakdownFilter": {"breakdown": "a", "breakdown_limit": 1_001}},
         "breakdownFilter__breakdown_limit"),
        ({"breakdownFilter": {"breakdown": "a", "breakdown_histogram_bin_count": 0}},
         "breakdownFilter__breakdown_histogram_bin_count"),
        ({"breakdownFilter": {"breakdowns": [{"property": "a", "histogram_bin_count": 101}]}},
         "breakdownFilter__breakdowns__0__histogram_bin_count"),
        ({"series": []}, "series"),
        ({"series": [A] * 51}, "series"),
        ({"series": [A] * 27, "trendsFilter": {"formula": "A"}}, "series"),
        ({"series": [{"kind": "GroupNode", "nodes": []}]}, "series"),
        ({"series": [{"kind": "GroupNode", "nodes": [A], "operator": "AND"}]}, "series"),
        ({"samplingFactor": 0}, "samplingFactor"),
        ({"samplingFactor": 1.5}, "samplingFactor"),
        ({"dateRange": {"date_from": "yesterday"}}, "date_from"),
        ({"dateRange": {"daysOfWeek": [0]}}, "dateRange__daysOfWeek__0"),
        ({"dateRange": EVERY_DAY, "interval": "hour"}, "interval"),
        ({"dateRange": EVERY_DAY, "breakdownFilter": {"breakdown": "a", "breakdown_limit": 1_000},
          "compareFilter": {"compare": True, "compare_to": "-1y"}},
         "breakdownFilter__breakdown_limit"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_refused_by_its_member(query: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan_of({"series": [A], **query})
    assert (refused.value.code, refused.value.attr) == ("invalid_input", attr)


def plan_of(query: dict[str, Any]) -> TrendsPlan:
    document = {"kind": "TrendsQuery", **query}
    return plan_trends(reading.node(document, TrendsQuery, None), FACTS)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"series": [{**A, "math": "avg", "math_property": "x",
                      "math_property_type": "session_properties"}]}, "Invalid session property"),
        ({"series": [A], **with_display("BoxPlot")},
         "A numeric property must be selected for box plot."),
        ({"series": [A], "breakdownFilter": {"breakdown": "a", "breakdown_type": "flag"}},
         "Unsupported breakdown type: flag"),
        ({"series": [WAREHOUSE], "breakdownFilter": {"breakdown": "a"}},
         "Event based breakdowns are not supported for trends insights with a data warehouse"
         " series."),
    ],
)  # fmt: skip
def test_some_refusals_have_their_words(query: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan_of(query)
    assert refused.value.detail == detail


def test_a_warehouse_series_has_its_code() -> None:
    with pytest.raises(InvalidQuery) as refused:
        plan(WAREHOUSE)
    assert refused.value.code == "data_warehouse_series_not_supported"
