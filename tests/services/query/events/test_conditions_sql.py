"""Operators on event properties: what the engine answers is what section 4 says."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.query.events.conditions import Operator, PropertyIs
from services.query.events.oracle.operators import passes, text_of
from tests.services.query.conftest import Events

NASTY_TEXT = [
    "", "a", "A", "ab", "aXb", "a%b", "a_b", "%", "_", "\\", "\\\\", "a\\", "a\\\\", "\\%", "\\a%",
    "a\\b", "é", "É", "5", "5.0", "+5",
    " 5", "05", "5e0", ".5", "5.", "1e400", "nan", "inf", "-0", "0x10", "true", "false", "True",
    "null", "[1,2]", "{}", '{"a":1}', "9007199254740993", "9007199254740992",
    "12345678901234567890", "2024-01-01", "2024-01-10T12:00:00Z", "2024-01-10 12:00:00",
    "2024-01-10T13:00:00+01:00", "2024-01-10T12:00:00.123456Z", "1704888000", "20240101",
    "Jan 1", "1.2.3", "v1.2.3", "1.2", "1", "1.2.4-beta", "1.3.0", "2.0.0", "0.2.3", "0.2.9",
    "0.3.0", "0.0.3", "0.0.4", "1.2.3.4", "abc", "line\nbreak", "'quoted'", "/users/17/edit",
    "/users/:id/edit", "b", "B",
]  # fmt: skip
texts = st.sampled_from(NASTY_TEXT) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0", max_codepoint=0x24F), max_size=4
)
numbers = (
    st.integers(-100, 100)
    | st.sampled_from([0.1, 0.5, 1.5, 1e300, -2.25, 2**53, 2**53 + 1, 10**18, 123456789.123])
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 3) + 0.0)
)
values = st.one_of(texts, numbers, st.booleans())
sent = st.one_of(
    values, st.none(), st.just([1, "b", None]), st.just({"a": 1}), st.just(["x", 'y"z'])
)
OPERATORS: list[Operator] = [
    "exact", "is_not", "contains", "icontains", "not_icontains", "icontains_multi",
    "not_icontains_multi", "gt", "gte", "lt", "lte", "is_set", "is_not_set",
]  # fmt: skip
REGEX_OPERATORS: list[Operator] = ["regex", "not_regex"]
RANGE_OPERATORS: list[Operator] = ["between", "not_between"]
DATE_RANGE_OPERATORS: list[Operator] = ["is_date_between", "is_date_not_between"]
DATE_OPERATORS: list[Operator] = ["is_date_exact", "is_date_before", "is_date_after"]
VERSION_OPERATORS: list[Operator] = [
    "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte",
    "semver_tilde", "semver_caret",
]  # fmt: skip
PATTERNS = ["a", "^a", "b$", "[0-9]+", "A|B", "a.b", "(?i)É", r"\.", "^$", ".", "x{2}"]
VERSIONS = ["1.2.3", "1.2", "1", "0.2.3", "0.0.3", "v1.3.0", "0", "0.0", "1.2.3.4", "2.0.0-rc1"]
INSTANTS = ["2024-01-10T12:00:00+00:00", "2023-12-31T23:00:00+00:00", "2024-01-01T00:00:00+00:00"]


def condition(operator: Operator, *values: Any, **of: Any) -> PropertyIs:
    return PropertyIs("event", "k", operator, values, **of)


@st.composite
def conditions(draw: st.DrawFn) -> PropertyIs:
    numeric = draw(st.booleans())
    some = st.lists(values, min_size=1, max_size=3)
    match draw(st.integers(0, 10)):
        case 0:
            operator = draw(st.sampled_from(REGEX_OPERATORS))
            return condition(operator, *draw(st.lists(st.sampled_from(PATTERNS), min_size=1)))
        case 1:
            low, high = sorted(draw(st.tuples(numbers, numbers)))
            return condition(draw(st.sampled_from(RANGE_OPERATORS)), low, high)
        case 2:
            operator = draw(st.sampled_from(DATE_OPERATORS))
            return condition(operator, draw(st.sampled_from(INSTANTS)))
        case 3:
            operator = draw(st.sampled_from(VERSION_OPERATORS))
            return condition(operator, draw(st.sampled_from(VERSIONS)))
        case 4:
            wildcard = draw(st.sampled_from(["1.2.*", "1.*", "*", "0.2.3.*"]))
            return condition("semver_wildcard", wildcard)
        case 5:
            rules = (("/[0-9]+", "/:id"), ("b+$", "c"))
            return condition(
                "is_cleaned_path_exact", *draw(st.lists(texts, min_size=1)), path_rules=rules
            )
        case 6:
            operator = draw(st.sampled_from(DATE_RANGE_OPERATORS))
            return condition(operator, *sorted(draw(st.permutations(INSTANTS))[:2]))
        case _:
            operator = draw(st.sampled_from(OPERATORS))
            return condition(operator, *draw(some), numeric=numeric)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    documents=st.lists(sent, min_size=1, max_size=40),
    asked=st.lists(conditions(), min_size=1, max_size=30),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_every_operator_answers_as_the_table_says(
    events: Events, documents: list[Any], asked: list[PropertyIs], zone: str
) -> None:
    team = events.team()
    sent = [{"k": value} for value in documents] + [{}, {"other": 1}]
    events.add(team, *sent)
    answers = events.table(team, asked, timezone=zone)
    expected = [
        [passes(one, text_of(properties.get(one.key)), zone) for one in asked]
        for properties in sent
    ]
    wrong = [
        (properties, one)
        for properties, row, wanted in zip(sent, answers, expected, strict=True)
        for one, answer, want in zip(asked, row, wanted, strict=True)
        if answer != want
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("operator", "value", "sent", "passing"),
    [
        (
            "exact",
            5,
            [5, 5.0, "5", "5.0", "5e0", "05", " 5", "five", True, None],
            [0, 1, 2, 3, 4, 5],
        ),
        ("exact", "5", [5, 5.0, "5.0", "five"], [0, 1, 2]),
        ("exact", "true", [True, "true", "True", 1, False], [0, 1]),
        ("exact", True, [True, "true", 1], [0, 1]),
        ("exact", "9007199254740993", [2**53 + 1, 2**53, str(2**53 + 1), str(2**53)], [0, 2]),
        ("exact", "", ["", None, " "], [0]),
        ("exact", "[1,2]", [[1, 2], "[1,2]", [1, 3]], [0, 1]),
        ("exact", '{"a":1}', [{"a": 1}, {"a": 2}, {}], [0]),
        ("is_not", "a", ["a", "b", "", None, 1], [1, 2, 3, 4]),
        ("gt", 5, [6, 5, "6", "10", "abc", "nan", "1e400", True, None, -6], [0, 2, 3, 4, 5, 7]),
        ("gt", "b", ["a", "c", "B", 5, None], [1]),
        ("lt", 5, [4.5, "4", "-inf", "abc", False, None], [0, 1, 2]),
        ("icontains", "É", ["caFé", "CAFE", "x"], [0]),
        ("icontains", "a_c", ["abc", "a_c", "ac"], [0, 1]),
        ("icontains", "9", [95, 1.9, "x"], [0, 1]),
        ("icontains", "dir\\", ["C:\\DIR\\", "C:\\dir%", "C:/dir/"], [0]),
        ("icontains", "\\", ["C:\\dir", "100%", "abc"], [0]),
        ("icontains", "\\\\\\", ["\\\\host", "C:\\dir"], [0]),
        ("icontains", "100\\%", ["100%", "1000"], [0]),
        ("icontains", "a_\\", ["ab\\", "ab", "a_"], [0]),
        ("not_icontains", "dir\\", ["dir\\", "dir%", None], [1, 2]),
        ("icontains_multi", "dir\\", ["dir\\", "dir%", "dir"], [0]),
        ("contains", "C:\\", ["file:C:\\x", "file:c:\\x", "file:C:%"], [0]),
        ("regex", "a.c", ["xabcx", "a\nc", "ABC", None], [0, 1]),
        ("is_set", None, ["", 0, False, [], {}, None], [0, 1, 2, 3, 4]),
        ("is_date_before", "2024-01-01T00:00:00+00:00", ["2023-12-31", "2024-01-01", "5", 5], [0]),
        ("is_date_exact", "2024-01-01T00:00:00+00:00", ["2024-01-01", 1704067200, "2024"], [0, 1]),
        ("semver_gte", "1.10", ["1.9.9", "1.10", "v1.11.0-rc1", "2", "new", None], [1, 2, 3]),
    ],
)
def test_corners_of_the_table(
    events: Events, operator: Operator, value: Any, sent: list[Any], passing: list[int]
) -> None:
    team = events.team()
    events.add(team, *({"k": one} for one in sent))
    asked = condition(operator) if value is None else condition(operator, value)
    assert events.passing(team, asked) == passing


def test_a_time_is_between_its_bounds_or_not_and_what_is_no_time_is_not(events: Events) -> None:
    team = events.team()
    sent = ["2024-01-01", "2024-01-02T00:00:00", "2024-01-02 00:00:00.000001", "2023-12-31", "x"]
    events.add(team, *({"k": one} for one in [*sent, None]))
    bounds = ("2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00")
    assert events.passing(team, condition("is_date_between", *bounds)) == [0, 1]
    assert events.passing(team, condition("is_date_not_between", *bounds)) == [2, 3, 4, 5]


def test_a_property_declared_numeric_is_never_compared_as_text(events: Events) -> None:
    team = events.team()
    events.add(team, *({"k": one} for one in [6, "6", "abc", True, None]))
    assert events.passing(team, condition("gt", 5, numeric=True)) == [0, 1]
    assert events.passing(team, condition("exact", "abc", numeric=True)) == []


KEYS = [
    "$current_url", "a b", "a.b", "a`b", "a\\b", "a'b", 'a"b', "^a", ":Int64", "a.:Int64", "a[]",
    "é😀", "1", "a\nb", "a%2Eb", "%s", "null", "-- x", "/* x", "?", "{p0:String}", "a.", "..", "`",
    "\\", "@a", "`) OR 1 --", "\\x41", "x:Int64",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_any_key_names_its_own_property_and_nothing_else(events: Events, key: str) -> None:
    team = events.team()
    events.add(team, {key: "here"}, {"elsewhere": "here"}, {key: "there"})
    assert events.passing(team, PropertyIs("event", key, "exact", ("here",))) == [0]
    assert events.passing(team, PropertyIs("event", key, "icontains", ("ERE",))) == [0, 2]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    key=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
    value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)
def test_no_key_and_no_value_can_become_text_of_the_statement(
    events: Events, key: str, value: str
) -> None:
    team = events.team()
    events.add(team, {key: f"{value}1"}, {key: f"{value}2"}, {})
    assert events.passing(team, PropertyIs("event", key, "exact", (f"{value}1",))) == [0], (
        json.dumps([key, value])
    )
