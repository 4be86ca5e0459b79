"""Worked examples of rows: trends.md sections 8 to 11, rule by rule."""

from typing import Any

import pytest

from contracts.queries.actions import Action, ActionStep
from contracts.queries.properties import PropertyFilter, PropertyGroup
from services.query.events.facts import PlanningFacts
from services.query.insights.trends.plan import NULL, OTHER
from tests.trends.stories import (
    FACTS,
    NOW,
    VIEWED,
    at,
    behind,
    counted,
    data,
    february,
    record,
    rows,
    trends,
    uid,
    world,
)

DAY = february(1, 1)


def broken_down(key: str, *series: Any, facts: PlanningFacts = FACTS, **of: Any) -> Any:
    """A query of one day; of: of the breakdown filter."""
    asked = {"breakdown": key, **of}
    return trends(*series, facts=facts, dateRange=DAY, breakdownFilter=asked)


def values(*sent: Any) -> Any:
    """A world of one event per value of `x`; ... is one without."""
    return world(*(at("u", "02-01", **({} if one is ... else {"x": one})) for one in sent))


# Breakdowns


def test_values_are_text_and_null_missing_and_blank_are_one() -> None:
    found = data(
        broken_down("x"), values("a", True, False, 10, 1.5, 2.0, {"k": [1]}, None, "", ...)
    )
    assert found == {
        "1.5": [1], "10": [1], "2": [1], "a": [1], "false": [1], "true": [1], '{"k":[1]}': [1],
        NULL: [3],
    }  # fmt: skip


def test_rows_go_by_size_then_text_and_null_is_the_first_to_fall_out() -> None:
    of = values("b", "a", "c", "c", None, None, None)
    assert list(data(broken_down("x"), of)) == ["c", "a", "b", NULL]
    assert list(data(broken_down("x", breakdown_limit=3), of)) == ["c", "a", "b", OTHER]
    hidden = broken_down("x", breakdown_limit=3, breakdown_hide_other_aggregation=True)
    assert list(data(hidden, of)) == ["c", "a", "b"]


def test_case_counts_and_urls_lose_their_ends_if_asked() -> None:
    of = values("/a", "/a/", "/a?#/", "/A", "/", "?", "")
    plan = broken_down("x", breakdown_normalize_url=True)
    assert data(plan, of) == {"/a": [3], "/": [2], "/A": [1], NULL: [1]}


def test_a_long_value_is_cut() -> None:
    of = values("é" * 400 + "a", "é" * 400 + "b")
    assert data(broken_down("x"), of) == {"é" * 400: [2]}


def test_numbers_fall_into_equal_bins() -> None:
    of = values(1, 2, "3", 4, "many", ...)
    plan = broken_down("x", breakdown_histogram_bin_count=3)
    assert data(plan, of) == {"[3,4.01]": [2], "[1,2]": [1], "[2,3]": [1], NULL: [2]}
    assert data(plan, values(7, 7)) == {"[7,7.01]": [2]}
    assert data(plan, values("x")) == {NULL: [1]}
    assert behind(plan, of, breakdown=("", "")) == {"u": 4}
    assert behind(plan, of, breakdown="[3, 4.01]") == {"u": 2}


def test_a_day_without_events_has_no_row_at_all() -> None:
    assert rows(broken_down("x"), world()) == []


def test_a_row_is_there_though_its_numbers_are_zero() -> None:
    series = counted("sum", math_property="amount")
    assert data(broken_down("x", series), values("a")) == {"a": [0]}
    early = world(at("ann", "01-28", x="old"), at("bob", "01-27", x="older"))
    plan = trends(
        counted("weekly_active"), dateRange=february(3, 4), breakdownFilter={"breakdown": "x"}
    )
    assert data(plan, early) == {"old": [1, 0]}


def test_several_breakdowns_are_joined() -> None:
    of = world(at("u", "02-01", x="a", y=1), at("u", "02-01", x="a"), at("v", "02-01", y=2))
    asked = {"breakdowns": [{"property": "x"}, {"property": "y"}], "breakdown_limit": 2}
    plan = trends(dateRange=DAY, breakdownFilter=asked)
    found = rows(plan, of)
    assert [row["label"] for row in found] == ["a::1", f"{NULL}::2", f"{OTHER}::{OTHER}"]
    assert found[0]["breakdown_value"] == ["a", "1"]
    assert found[2]["breakdown_value"] == [OTHER, OTHER]


def test_values_of_persons_groups_and_sessions_are_read_as_now() -> None:
    of = world(
        at("ann", "02-01", session="s", groups={1: "acme"}),
        at("ann", "02-01 00:00:30", "$other", session="s"),
        at("bob", "02-01"),
        persons={"ann": record("01-01", plan="paid")},
        groups={(1, "acme"): record("01-01", city="Rome")},
    )
    assert data(broken_down("plan", breakdown_type="person"), of) == {"paid": [1], NULL: [1]}
    group = broken_down("city", breakdown_type="group", breakdown_group_type_index=1)
    assert data(group, of) == {"Rome": [1], NULL: [1]}
    session = broken_down("$session_duration", breakdown_type="session")
    assert data(session, of) == {"30": [1], NULL: [1]}
    expression = broken_down("upper(person.properties.plan) AS plan", breakdown_type="hogql")
    assert data(expression, of) == {"PAID": [1], NULL: [1]}


PAYS = PropertyGroup("AND", (PropertyFilter("plan", "paid", type="person"),))
COHORTS = PlanningFacts(
    team_id=1, now=NOW, cohorts={5: "Listed", 6: "Paying", 7: "Nobody"}, definitions={6: PAYS}
)


def test_cohorts_are_by_size_and_those_of_nobody_have_no_row() -> None:
    of = world(
        *(at(person, "02-01") for person in ("ann", "ann", "bob", "cat")),
        persons={"ann": record("01-01", plan="paid")},
        merged={"old": "bob"},
        lists={5: ["ann", "old"]},
    )
    plan = trends(
        counted("dau"),
        facts=COHORTS,
        dateRange=DAY,
        breakdownFilter={"breakdown": [6, 7, 5, "all"], "breakdown_type": "cohort"},
    )
    found = rows(plan, of)
    assert [(row["label"], row["breakdown_value"], row["data"]) for row in found] == [
        ("all users", "all", [3]), ("Listed", 5, [2]), ("Paying", 6, [1]),
    ]  # fmt: skip
    assert behind(plan, of, breakdown="6") == {"ann": 2}


def test_a_row_of_several_series_says_which() -> None:
    of = world(at("u", "02-01", x="a"), at("u", "02-01", "buy", x="b"))
    bought = {"kind": "ActionsNode", "id": 3, "custom_name": "never in a label"}
    facts = PlanningFacts(
        team_id=1, now=NOW, actions={3: Action(3, "Bought", (ActionStep(event="buy"),))}
    )
    found = rows(broken_down("x", VIEWED, bought, facts=facts), of)
    assert [row["label"] for row in found] == ["$pageview - a", "Bought - b"]
    assert (found[1]["action"]["id"], found[1]["action"]["type"]) == ("Bought", "events")
    assert found[1]["action"]["custom_name"] == "never in a label"


def test_any_event_is_called_all_events() -> None:
    (row,) = rows(trends({"kind": "EventsNode", "event": None}, dateRange=DAY), values("a"))
    assert (row["label"], row["action"]["id"]) == ("All events", None)


# Formulas

TWO = [VIEWED, {"kind": "EventsNode", "event": "buy"}]
SHOP = world(
    at("u", "02-01", x="a"), at("u", "02-01", x="a"), at("v", "02-01", x="b"), at("u", "02-02"),
    at("u", "02-01", "buy", x="a"), at("v", "02-02", "buy", x="c"),
)  # fmt: skip


def formula(*texts: str, display: str | None = None, **query: Any) -> Any:
    shown = {"formulas": list(texts)} | ({"display": display} if display else {})
    return trends(*TWO, dateRange=february(1, 3), trendsFilter=shown, **query)


def test_a_formula_is_applied_point_by_point() -> None:
    (row,) = rows(formula("B / a * 100"), SHOP)
    assert row["data"] == [pytest.approx(100 / 3), 100, 0]
    assert (row["label"], row["action"]) == ("Formula (B / a * 100)", None)
    assert row["count"] == pytest.approx(400 / 3)
    assert row["days"] == ["2024-02-01", "2024-02-02", "2024-02-03"]
    assert data(formula("A", "A + B"), SHOP) == {
        "Formula (A)": [3, 1, 0], "Formula (A + B)": [4, 2, 0],
    }  # fmt: skip


def test_a_formula_of_one_value() -> None:
    (row,) = rows(formula("A * B", display="BoldNumber"), SHOP)
    assert (row["aggregated_value"], row["data"], row["count"]) == (8, None, 0)


def test_a_formula_has_a_row_for_each_value_that_any_of_its_series_has() -> None:
    found = rows(formula("A - B", breakdownFilter={"breakdown": "x"}), SHOP)
    assert [(row["breakdown_value"], row["data"]) for row in found] == [
        ("a", [1, 0, 0]), ("b", [1, 0, 0]), ("c", [0, -1, 0]), (NULL, [0, 1, 0]),
    ]  # fmt: skip
    assert {row["label"] for row in found} == {"Formula (A - B)"}
    only = rows(formula("B", breakdownFilter={"breakdown": "x"}), SHOP)
    assert [row["breakdown_value"] for row in only] == ["a", "c"]


def test_a_formula_comes_after_smoothing_and_cumulation() -> None:
    shown = {"formula": "A", "display": "ActionsLineGraphCumulative", "smoothingIntervals": 2}
    plan = trends(*TWO, dateRange=february(1, 3), trendsFilter=shown)
    assert data(plan, SHOP) == [3, 3, 4]


# Comparison


def test_both_sides_have_rows_of_their_own() -> None:
    of = world(
        at("ann", "01-30", x="old"), at("ann", "01-31", x="old"), at("bob", "02-02", x="new"),
    )  # fmt: skip
    asked: dict[str, Any] = {"dateRange": february(1, 2), "compareFilter": {"compare": True}}
    now, before = rows(trends(**asked), of)
    assert (now["compare"], now["compare_label"], now["data"]) == (True, "current", [0, 1])
    assert (before["compare_label"], before["data"]) == ("previous", [1, 1])
    assert before["days"] == ["2024-01-30", "2024-01-31"]
    found = rows(trends(**asked, breakdownFilter={"breakdown": "x"}), of)
    assert [(row["compare_label"], row["label"]) for row in found] == [
        ("current", "new"), ("previous", "old"),
    ]  # fmt: skip
    plan = trends(**asked)
    assert behind(plan, of, compare="previous", day="2024-02-02") == {"ann": 1}
    assert behind(plan, of, compare="previous") == {"ann": 2}


def test_all_series_of_the_current_side_come_before_the_previous() -> None:
    plan = trends(*TWO, dateRange=DAY, compareFilter={"compare": True, "compare_to": "-1w"})
    found = [(row["compare_label"], row["order"]) for row in rows(plan, SHOP)]
    assert found == [("current", 0), ("current", 1), ("previous", 0), ("previous", 1)]
    made = formula("A", "B", compareFilter={"compare": True})
    shown = [(row["label"], row["compare_label"]) for row in rows(made, SHOP)]
    assert shown == [
        ("Formula (A)", "current"), ("Formula (A)", "previous"),
        ("Formula (B)", "current"), ("Formula (B)", "previous"),
    ]  # fmt: skip


# People


def test_people_go_by_their_events_then_by_id() -> None:
    of = world(*(at(person, "02-01") for person in ("ann", "bob", "bob", "cat")))
    plan = trends(dateRange=DAY)
    assert behind(plan, of, day="2024-02-01") == {"bob": 2, "ann": 1, "cat": 1}
    tied = sorted(("ann", "cat"), key=lambda name: str(uid(name)))
    assert list(behind(plan, of, day="2024-02-01")) == ["bob", *tied]


def test_series_by_groups_list_groups() -> None:
    of = world(at("ann", "02-01", groups={0: "acme"}), at("bob", "02-01"))
    plan = trends(counted("unique_group", math_group_type_index=0), dateRange=DAY)
    assert behind(plan, of) == {"acme": 1}
