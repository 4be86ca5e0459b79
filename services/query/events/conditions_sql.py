"""Operators of section 4 as ClickHouse text: one operand and a filter's values in, a boolean out.

Every function answers UInt8, never null; what a null property means is decided here, once.
Pure: a `PropertyIs` and an `Operand` say everything, so events, persons, groups and sessions
share it.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

import msgspec

from contracts.times import microseconds
from services.common.clickhouse.statement import Bindings
from services.query.events.conditions import Operator, PropertyIs, Scalar
from services.query.events.operands import Operand, read_number
from services.query.events.versions import Version, version_range

TRUE, FALSE = "1", "0"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EXACT_INTEGERS = 2**53
"""Beyond it a double no longer tells two whole numbers apart: they compare as text."""
_MOST_NEEDLES = 255
"""So many strings the engine searches at once."""
# Without it `5`, `Jan` and the like read as days of the current year.
_DATE = (
    r"^([12]\d{3}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|[+-]\d\d(:?\d\d)?))?)?"
    r"|\d{10}|\d{13})$"
)
_NEGATIONS: dict[Operator, Operator] = {
    "is_not": "exact",
    "not_icontains": "icontains",
    "not_icontains_multi": "icontains_multi",
    "not_regex": "regex",
    "is_not_set": "is_set",
    "is_date_not_between": "is_date_between",
}


def true_of_null(operator: Operator) -> bool:
    """Whether the filter passes where the property is missing."""
    return operator in _NEGATIONS


def opposite_of(condition: PropertyIs) -> PropertyIs:
    """The filter that fails exactly where `condition` passes, for those that pass on null."""
    return msgspec.structs.replace(condition, operator=_NEGATIONS[condition.operator])


def number(value: Scalar) -> float | None:
    """The number that a value reads as: plain decimal notation, finite; booleans do not."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    read = _float(value)
    # -0.0 is 0.0, which the engine's sets do not know.
    return read + 0.0 if math.isfinite(read) else None


def _float(value: str | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def text(value: Scalar) -> str:
    """A value as the engine writes it in JSON, strings as they are: 1.0 is 1, 1e+300 is 1e300."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGERS:
        return str(int(value))
    if isinstance(value, float):
        return re.sub("e[+]?(-?)0*", r"e\1", str(value))
    return str(value)


def compare(condition: PropertyIs, operand: Operand, bindings: Bindings, timezone: str) -> str:
    """`condition` on `operand`; timezone: for dates in the data that name no offset."""
    operator = condition.operator
    if true_of_null(operator):
        opposite = compare(opposite_of(condition), operand, bindings, timezone)
        return f"NOT {opposite}"
    values = condition.values
    match operator:
        case "exact":
            return _equal(values, operand, bindings, condition.numeric)
        case "contains":
            return _any(_like(operand, "LIKE", containing(text(v)), bindings) for v in values)
        case "icontains" if len(values) == 1:
            return _like(operand, "ILIKE", containing(text(values[0])), bindings)
        case "icontains" | "icontains_multi":
            return _containing(values, operand, bindings)
        case "regex":
            return _any(
                f"ifNull(match({operand.text}, {bindings.bind(text(v), 'String')}), 0)"
                for v in values
            )
        case "gt" | "gte" | "lt" | "lte":
            sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[operator]
            return _any(_ordered(v, sign, operand, bindings, condition.numeric) for v in values)
        case "between" | "not_between":
            return _between(values, operand, bindings, outside=operator == "not_between")
        case "is_set":
            variants = operand.variants
            return f"({operand.text} IS NOT NULL)" if variants is None else variants.there
        case "is_date_exact" | "is_date_before" | "is_date_after":
            sign = {"is_date_exact": "=", "is_date_before": "<", "is_date_after": ">"}[operator]
            return _any(_dated(v, sign, operand, bindings, timezone) for v in values)
        case "is_date_between":
            return _dated_between(values, operand, bindings, timezone)
        case "is_cleaned_path_exact":
            return _cleaned(condition, operand, bindings)
        case (
            "semver_eq" | "semver_neq" | "semver_gt" | "semver_gte" | "semver_lt" | "semver_lte"
            | "semver_tilde" | "semver_caret" | "semver_wildcard"
        ):  # fmt: skip
            return _any(_versioned(operator, text(v), operand, bindings) for v in values)
        case (
            "is_not" | "not_icontains" | "not_icontains_multi" | "not_regex" | "is_not_set"
            | "is_date_not_between"
        ):  # fmt: skip
            raise AssertionError(operator)  # the negations above
        case _:
            assert_never(operator)


def _any(alternatives: Iterable[str]) -> str:
    found = list(dict.fromkeys(alternatives))
    return f"({' OR '.join(found)})" if found else FALSE


# Equality and order


def _equal(values: tuple[Scalar, ...], operand: Operand, bindings: Bindings, numeric: bool) -> str:
    """As numbers where both sides read as numbers, else as text.

    A text that does not read as a number can only equal a text that does not either, so the two
    halves never overlap.
    """
    numbers = [read for v in values if (read := _compared_as_number(v, numeric)) is not None]
    texts = [text(v) for v in values if _compared_as_number(v, numeric) is None]
    found = []
    if numbers:
        found.append(_within(f"({operand.number} + 0)", sorted(set(numbers)), "Float64", bindings))
    if texts and not numeric:
        found += _equal_texts(sorted(set(texts)), operand, bindings)
    return _any(found)


def _equal_texts(texts: list[str], operand: Operand, bindings: Bindings) -> list[str]:
    """On a JSON value's own type where that says all, else on its text."""
    variants = operand.variants
    if variants is None or any(number(one) is not None for one in texts):
        return [_within(operand.text, texts, "String", bindings)]
    found = [_within(variants.string, texts, "String", bindings)]
    found += [f"ifNull({variants.boolean} = {one}, 0)" for one in ("true", "false") if one in texts]
    return found


def _compared_as_number(value: Scalar, numeric: bool) -> float | None:
    read = number(value)
    exact = read is not None and abs(read) < _EXACT_INTEGERS
    return read if exact or numeric or not text(value).lstrip("+-").isdigit() else None


def _within(side: str, values: list[str] | list[float], type_: str, bindings: Bindings) -> str:
    if len(values) == 1:
        return f"ifNull({side} = {bindings.bind(values[0], type_)}, 0)"
    return f"ifNull({side} IN {bindings.bind(values, f'Array({type_})')}, 0)"


def _ordered(value: Scalar, sign: str, operand: Operand, bindings: Bindings, numeric: bool) -> str:
    read = number(value)
    bound = bindings.bind(text(value), "String")
    if read is None:
        return FALSE if numeric else f"ifNull({operand.text} {sign} {bound}, 0)"
    than = bindings.bind(read, "Float64")
    if numeric:
        return f"ifNull({operand.number} {sign} {than}, 0)"
    variants = operand.variants
    if variants is None:
        return _text_ordered(operand.text, operand.number, sign, bound, than)
    other = f"{variants.number} {sign} {than}, toString({variants.boolean}) {sign} {bound}"
    string = _text_ordered(variants.string, read_number(variants.string), sign, bound, than)
    return f"if({variants.string} IS NULL, coalesce({other}, 0), {string})"


def _text_ordered(text: str, number: str, sign: str, bound: str, than: str) -> str:
    """As a number where the text reads as one."""
    return f"ifNull(if({number} IS NULL, {text} {sign} {bound}, {number} {sign} {than}), 0)"


def _between(
    values: tuple[Scalar, ...], operand: Operand, bindings: Bindings, *, outside: bool
) -> str:
    low, high = (bindings.bind(number(v), "Float64") for v in values)
    inside = f"({operand.number} >= {low} AND {operand.number} <= {high})"
    return f"ifNull({'NOT ' if outside else ''}{inside}, 0)"


# Text


def containing(searched: str) -> str:
    """The LIKE pattern of texts that hold `searched`, in which `%` and `_` stand for others."""
    return f"%{closed(searched)}%"


def closed(pattern: str) -> str:
    """A LIKE pattern that no backslash is the last character of: there it stands for itself.

    It escapes what comes after it, be that the `%` put there by us, or nothing, which is an error
    to the engine.
    """
    backslashes = len(pattern) - len(pattern.rstrip("\\"))
    return pattern + "\\" * (backslashes % 2)


def _like(operand: Operand, how: str, pattern: str, bindings: Bindings) -> str:
    return f"ifNull({operand.text} {how} {bindings.bind(pattern, 'String')}, 0)"


def _containing(values: tuple[Scalar, ...], operand: Operand, bindings: Bindings) -> str:
    """Any of them, ignoring case, `%` and `_` as they are."""
    texts = sorted({text(value) for value in values})
    if "" in texts:
        return f"({operand.text} IS NOT NULL)"
    return _any(
        f"ifNull(multiSearchAnyCaseInsensitiveUTF8({operand.text}, "
        f"{bindings.bind(texts[i : i + _MOST_NEEDLES], 'Array(String)')}), 0)"
        for i in range(0, len(texts), _MOST_NEEDLES)
    )


def _cleaned(condition: PropertyIs, operand: Operand, bindings: Bindings) -> str:
    """Both sides are cleaned. PostHog: apply_path_cleaning."""

    def clean(expression: str) -> str:
        for pattern, alias in condition.path_rules:
            bound = f"{bindings.bind(pattern, 'String')}, {bindings.bind(alias, 'String')}"
            expression = f"replaceRegexpAll({expression}, {bound})"
        return expression

    return _any(
        f"ifNull({clean(operand.text)} = {clean(bindings.bind(text(v), 'String'))}, 0)"
        for v in condition.values
    )


# Times and versions


def _dated(value: Scalar, sign: str, operand: Operand, bindings: Bindings, timezone: str) -> str:
    at = _bound_moment(value, bindings)
    return f"ifNull({moment(operand, bindings, timezone)} {sign} {at}, 0)"


def _dated_between(
    values: tuple[Scalar, ...], operand: Operand, bindings: Bindings, timezone: str
) -> str:
    low, high = (_bound_moment(value, bindings) for value in values)
    return f"ifNull({moment(operand, bindings, timezone)} BETWEEN {low} AND {high}, 0)"


def _bound_moment(value: Scalar, bindings: Bindings) -> str:
    return bindings.bind(microseconds(datetime.fromisoformat(str(value))), "Int64")


def moment(operand: Operand, bindings: Bindings, timezone: str) -> str:
    """The operand as a time in microseconds, null where it is none."""
    if operand.moment is not None:
        return f"toUnixTimestamp64Micro({operand.moment})"
    zone = bindings.bind(timezone, "String")
    pattern = bindings.bind(_DATE, "String")
    return (
        f"if(ifNull(match({operand.text}, {pattern}), 0), toUnixTimestamp64Micro("
        f"parseDateTime64BestEffortOrNull({operand.text}, 6, {zone})), NULL)"
    )


def _versioned(operator: Operator, value: str, operand: Operand, bindings: Bindings) -> str:
    """Versions compare by their first four numbers, missing ones as 0."""
    low, high = version_range(operator, value)
    mine_text = operand.or_empty
    mine = (
        f"arrayResize(arrayMap(part -> toUInt64OrZero(part), splitByChar('.', extract("
        f"{mine_text}, '^v?([0-9]+(?:[.][0-9]+)*)(?:[-+].*)?$'))), 4)"
    )
    is_version = f"match({mine_text}, '^v?[0-9]+(?:[.][0-9]+)*(?:[-+].*)?$')"

    def against(sign: str, bound: Version) -> str:
        return f"{mine} {sign} {bindings.bind(list(bound), 'Array(UInt64)')}"

    match operator:
        case "semver_neq":
            test = against("!=", low)
        case "semver_gt":
            test = against(">", low)
        case "semver_lt":
            test = against("<", low)
        case "semver_lte":
            test = against("<=", low)
        case _:
            test = against(">=", low)
            if high is not None:
                test = f"{test} AND {against('<', high)}"
    return f"({is_version} AND {test})"
