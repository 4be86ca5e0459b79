"""Every operator on every kind of value, at random, against funnels.md section 4 read plainly."""

import json
import math
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, get_args

import pytest

from services.query.events.conditions import Operator, PropertyIs, Scalar
from tests.services.query.conftest import Events

MISSING = object()
PROPERTIES: Sequence[Any] = (
    MISSING, None, "", " ", "a", "A", "ä", "Ä", "ab", "a%b", "a_b", "axb", "a\\b", "\\", "a\\",
    "A\\\\", "a\nb", "%", "_",
    "0", "1", "01", "1.0", "1.5", "+1", "-1", "1e3", "1000", ".5", "5.", " 1", "1 ", "1,5", "0x10",
    "1_0", "nan", "inf", "-inf", "1e999", "９", "true", "True", "false", "null", "None", "[1]",
    0, 1, -1, 10, 9, 1000, 2**53, 2**53 + 1, 2**63, 10**30, 0.0, -0.0, 1.0, 1.5, 0.1, 1e300, 1e-7,
    True, False, [], [1, "a"], ["a"], {}, {"a": 1}, {"b": [1.0, None]},
)  # fmt: skip
VALUES: Sequence[Scalar] = tuple(
    one for one in PROPERTIES if isinstance(one, str | int | float) and str(one) != "-0.0"
)
PATTERNS = ("a", "^a", "b$", "^$", "a.b", "[0-9]+", "(?i)A", "^1(\\.0)?$", "\\\\", "true|false")
OPERATORS = tuple(
    one
    for one in get_args(Operator)
    if not one.startswith(("is_date", "semver"))
    and one not in ("contains", "is_cleaned_path_exact")
)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def text_of(value: Any) -> str | None:
    """Strings as they are, everything else as JSON; no value, and null: none."""
    if value is MISSING or value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return json.dumps(value).removesuffix(".0")
    if isinstance(value, float):
        return re.sub(r"e\+?(-?)0*", r"e\1", repr(value))
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def number_of(value: Any) -> float | None:
    text = None if isinstance(value, bool) else text_of(value)
    if text is None or NUMBER.fullmatch(text) is None:
        return None
    return float(text) if math.isfinite(float(text)) else None


def equal(mine: Any, value: Scalar) -> bool:
    left, right = number_of(mine), number_of(value)
    # Floats do not tell long ids apart: those are compared digit by digit.
    if left is not None and right is not None and (abs(right) < 2**53 or isinstance(value, float)):
        return left == right
    return text_of(mine) == text_of(value)


def ordered(mine: Any, value: Scalar) -> int:
    left, right = number_of(mine), number_of(value)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    one, other = (str(text_of(side)).encode() for side in (mine, value))
    return (one > other) - (one < other)


def like(mine: Any, value: Scalar, *, literal: bool) -> bool:
    """ILIKE %v%, a backslash at the end of v being one."""
    pattern = re.escape(str(text_of(value)))
    if not literal:
        pattern = pattern.replace("%", ".*").replace("_", ".").replace(r"\\\\", r"\\")
    return re.search(pattern, str(text_of(mine)), re.IGNORECASE | re.DOTALL) is not None


def passes(operator: str, values: Sequence[Scalar], mine: Any) -> bool:
    if text_of(mine) is None:
        return operator in NEGATIVE or operator == "is_not_set"
    if operator in NEGATIVE:
        return not passes(NEGATIVE[operator], values, mine)
    if operator in ("is_set", "is_not_set"):
        return operator == "is_set"
    if operator in ("between", "not_between"):
        left, (low, high) = number_of(mine), (number_of(value) for value in values)
        if left is None or low is None or high is None:
            return False
        return (low <= left <= high) is (operator == "between")
    literal = operator == "icontains_multi" or len(values) > 1
    tests: dict[str, Callable[[Scalar], bool]] = {
        "exact": lambda value: equal(mine, value),
        "icontains": lambda value: like(mine, value, literal=literal),
        "icontains_multi": lambda value: like(mine, value, literal=literal),
        "regex": lambda value: re.search(str(value), str(text_of(mine)), re.DOTALL) is not None,
        "gt": lambda value: ordered(mine, value) > 0,
        "gte": lambda value: ordered(mine, value) >= 0,
        "lt": lambda value: ordered(mine, value) < 0,
        "lte": lambda value: ordered(mine, value) <= 0,
    }
    return any(tests[operator](value) for value in values)


NEGATIVE = {
    "is_not": "exact",
    "not_icontains": "icontains",
    "not_icontains_multi": "icontains_multi",
    "not_regex": "regex",
}


def filter_of(random: Random, operator: Operator) -> PropertyIs:
    values: Sequence[Scalar]
    if operator in ("is_set", "is_not_set"):
        values = ()
    elif operator in ("between", "not_between"):
        values = sorted(random.sample([-1.0, 0.0, 1.0, 1.5, 9.0, 1000.0, 2.0**53], 2))
    elif operator in ("regex", "not_regex"):
        values = random.sample(PATTERNS, random.choice((1, 1, 2)))
    else:
        values = random.sample(VALUES, random.choice((1, 1, 2, 3)))
    return PropertyIs("event", "p", operator, tuple(values))


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_what_the_spec_says(events: Events, operator: Operator) -> None:
    team, random = events.team(), Random(operator)
    events.add(team, *({} if one is MISSING else {"p": one} for one in PROPERTIES))
    filters = [filter_of(random, operator) for _ in range(40)]
    table = events.table(team, filters)
    wrong = [
        (mine, one.values, told)
        for mine, row in zip(PROPERTIES, table, strict=True)
        for one, told in zip(filters, row, strict=True)
        if told is not passes(operator, one.values, mine)
    ]
    assert wrong == []
