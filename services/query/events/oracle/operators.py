"""The operators of property filters in plain Python, written from the table of funnels.md section 4
and not from the SQL.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.query.events.conditions import PropertyIs, Scalar

Json = object
NEGATIVE = {
    "is_not": "exact",
    "not_icontains": "icontains",
    "not_icontains_multi": "icontains_multi",
    "not_regex": "regex",
    "is_not_set": "is_set",
    "is_date_not_between": "is_date_between",
}


def passes(condition: PropertyIs, text: str | None, zone: str = "UTC") -> bool:
    """Whether a value (its text, None for none) meets a property filter.

    zone: of dates in the data that name no offset.
    """
    if condition.operator in NEGATIVE:
        return not positive(NEGATIVE[condition.operator], condition, text, zone)
    return positive(condition.operator, condition, text, zone)


def text_of(value: Json) -> str | None:
    """The text that a property is compared by; null has none."""
    return None if value is None else as_text(value)


def as_text(value: Json) -> str:
    """Strings as they are, else compact JSON; whole numbers without a fraction, 1e300 as that."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < 2**53 else repr(value).replace("e+", "e")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def as_number(text: str) -> float | None:
    if not re.fullmatch(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    number = float(text)
    return number if abs(number) != float("inf") else None


def positive(operator: str, condition: PropertyIs, text: str | None, zone: str) -> bool:
    if text is None:
        return False
    if operator == "is_set":
        return True
    if operator in ("between", "not_between"):
        low, high = (float(v) for v in condition.values)
        number = as_number(text)
        return number is not None and (low <= number <= high) == (operator == "between")
    if operator == "is_date_between":
        since, until = (datetime.fromisoformat(str(v)) for v in condition.values)
        moment = as_moment(text, zone)
        return moment is not None and since <= moment <= until
    several = len(condition.values) > 1 or operator == "icontains_multi"
    return any(_one(operator, condition, text, value, several, zone) for value in condition.values)


def _one(
    operator: str, condition: PropertyIs, text: str, value: Scalar, several: bool, zone: str
) -> bool:
    wanted = as_text(value)
    match operator:
        case "exact":
            return _compare(text, wanted, condition.numeric, lambda a, b: a == b, equal=True)
        case "gt":
            return _compare(text, wanted, condition.numeric, lambda a, b: a > b)
        case "gte":
            return _compare(text, wanted, condition.numeric, lambda a, b: a >= b)
        case "lt":
            return _compare(text, wanted, condition.numeric, lambda a, b: a < b)
        case "lte":
            return _compare(text, wanted, condition.numeric, lambda a, b: a <= b)
        case "icontains" | "icontains_multi" if several:
            return wanted.lower() in text.lower()
        case "icontains" | "icontains_multi":
            return like(text.lower(), wanted.lower(), within=True)
        case "contains":
            return like(text, wanted, within=True)
        case "regex":
            return re.search(wanted, text, re.DOTALL) is not None
        case "is_date_exact" | "is_date_before" | "is_date_after":
            moment, bound = as_moment(text, zone), datetime.fromisoformat(wanted)
            if moment is None:
                return False
            return {
                "is_date_exact": moment == bound,
                "is_date_before": moment < bound,
                "is_date_after": moment > bound,
            }[operator]
        case "is_cleaned_path_exact":
            for pattern, alias in condition.path_rules:
                text, wanted = re.sub(pattern, alias, text), re.sub(pattern, alias, wanted)
            return text == wanted
        case _:
            return _version_passes(operator, text, wanted)


def _compare(
    text: str,
    wanted: str,
    numeric: bool,
    test: Callable[[float, float], bool] | Callable[[str, str], bool],
    equal: bool = False,
) -> bool:
    left, right = as_number(text), as_number(wanted)
    # Whole numbers that a double cannot tell apart are identifiers: the same or not the same.
    if equal and not numeric and wanted.lstrip("+-").isdigit() and abs(int(wanted)) >= 2**53:
        return text == wanted
    if left is not None and right is not None:
        return test(left, right)  # type: ignore[arg-type]  # works on numbers as on text
    return not numeric and test(_bytes(text), _bytes(wanted))  # type: ignore[arg-type]  # likewise


def _bytes(text: str) -> bytes:
    return text.encode()


def like(text: str, pattern: str, *, within: bool = False) -> bool:
    """LIKE: % any run, _ any one character, a backslash makes the next one literal, if there is
    one. within: anywhere in the text.
    """
    expression, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and at + 1 < len(pattern):
            at += 1
            following = pattern[at]
            expression += re.escape(following if following in "%_\\" else "\\" + following)
        else:
            expression += {"%": ".*", "_": "."}.get(character, re.escape(character))
        at += 1
    look = re.search if within else re.fullmatch
    return look(expression, text, re.DOTALL) is not None


def as_moment(text: str, zone: str) -> datetime | None:
    if re.fullmatch("[0-9]{10}", text):
        return datetime.fromtimestamp(int(text), UTC)
    if not re.match("[12][0-9]{3}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def version(text: str) -> list[int] | None:
    found = re.fullmatch("v?([0-9]+([.][0-9]+)*)([-+].*)?", text)
    if found is None:
        return None
    return ([int(part) for part in found[1].split(".")] + [0, 0, 0, 0])[:4]


def _version_passes(operator: str, text: str, wanted: str) -> bool:
    mine = version(text)
    if mine is None:
        return False
    if operator == "semver_wildcard":
        fixed = [int(part) for part in wanted.split(".") if part != "*"]
        return mine[: len(fixed)] == fixed
    theirs = version(wanted)
    assert theirs is not None
    given = wanted.lstrip("v").split("-")[0].split("+")[0].count(".") + 1
    match operator:
        case "semver_eq":
            return mine == theirs
        case "semver_neq":
            return mine != theirs
        case "semver_gt":
            return mine > theirs
        case "semver_gte":
            return mine >= theirs
        case "semver_lt":
            return mine < theirs
        case "semver_lte":
            return mine <= theirs
        case "semver_tilde":
            kept = min(given, 2)
            return mine >= theirs and mine[:kept] == theirs[:kept]
        case "semver_caret":
            leading = next((i for i, part in enumerate(theirs) if part), min(given, 4) - 1) + 1
            return mine >= theirs and mine[:leading] == theirs[:leading]
        case _:
            raise AssertionError(operator)
