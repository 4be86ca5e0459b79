"""What tells the rows of a trend apart: columns `k0`, `k1` … beside each event that counts.

`columns` reads them; `told` makes values of them: texts, "" where there is none; ids of cohorts.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.conditions import InCohort
from services.query.events.source import Source
from services.query.insights.trends.bins import bin_text
from services.query.insights.trends.plan import (
    LONGEST_VALUE,
    NULL,
    AnyBreakdown,
    ByCohort,
    ByProperty,
    RowKey,
)
from services.query.insights.trends.result import RowValue

Bounds = Mapping[int, Sequence[float]]
"""Of each key with bins, by its place: see bins.bounds. None of them: no event has a number."""


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Of which rows the events are wanted, and how their values are told.

    bounds: of the bins. without: values of rows whose events are left out; Other's are the rest.
    """

    bounds: Bounds = {}
    without: Sequence[tuple[str, ...]] = ()


def names(breakdown: AnyBreakdown | None) -> tuple[str, ...]:
    match breakdown:
        case None:
            return ()
        case ByCohort():
            return ("k0",)
        case ByProperty(keys=keys):
            return tuple(f"k{place}" for place in range(len(keys)))
        case _:
            assert_never(breakdown)


def binned(breakdown: AnyBreakdown | None) -> dict[int, int]:
    """Place of a key -> how many bins."""
    if not isinstance(breakdown, ByProperty):
        return {}
    return {place: key.bins for place, key in enumerate(breakdown.keys) if key.bins is not None}


def columns(breakdown: AnyBreakdown | None, source: Source) -> dict[str, str]:
    """Of one event: texts as they are read, numbers of bins; of cohorts an array, as an event may
    be in several rows.
    """
    match breakdown:
        case None:
            return {}
        case ByCohort(cohorts=cohorts):
            ids = [_member(number, source) for number, _ in cohorts]
            return {"k0": f"arrayFilter(id -> id >= 0, [{', '.join(ids)}])"}
        case ByProperty(keys=keys):
            return {f"k{place}": _column(key, source) for place, key in enumerate(keys)}
        case _:
            assert_never(breakdown)


def _member(cohort: int, source: Source) -> str:
    """The cohort's id, if the event's person is in it."""
    if cohort == 0:
        return "toInt64(0)"
    return f"if({source.condition(InCohort(cohort))}, {cohort:d}, toInt64(-1))"


def _column(key: RowKey, source: Source) -> str:
    if key.bins is not None:
        return source.key_operand(key.read).number
    text = source.key_text(key.read)
    if key.normalize_url:
        return f"if({text} = '', '', {source.key_text(key.read, normalize_url=True)})"
    return text


def told(
    breakdown: AnyBreakdown | None, counted: Relation, rows: Rows, bindings: Bindings
) -> Relation:
    """counted: with the columns. The same, with the values that rows have."""
    match breakdown:
        case None:
            return counted
        case ByCohort():
            return counted.change(k0="arrayJoin(k0)").named("told")
        case ByProperty(keys=keys):
            texts = {
                f"k{place}": _text(place, key, rows, bindings) for place, key in enumerate(keys)
            }
            found = counted.change(**texts).named("told")
            return found.where(outside(rows.without, bindings)) if rows.without else found
        case _:
            assert_never(breakdown)


def _text(place: int, key: RowKey, rows: Rows, bindings: Bindings) -> str:
    if key.bins is not None:
        return _bin(place, rows.bounds[place], bindings)
    cut = f"substringUTF8(k{place}, 1, {LONGEST_VALUE:d})"
    return f"if(length(k{place}) > {LONGEST_VALUE:d}, {cut}, k{place})"


def _bin(place: int, bounds: Sequence[float], bindings: Bindings) -> str:
    low, high = list(bounds[:-1]), list(bounds[1:])
    texts = [bin_text(*pair) for pair in zip(low, high, strict=True)]
    lows, named = bindings.bind(low, "Array(Float64)"), bindings.bind(texts, "Array(String)")
    at = f"arrayCount(low -> low <= assumeNotNull(k{place}), {lows})"
    return f"if(isNull(k{place}), '', arrayElement({named}, {at}))"


def outside(values: Sequence[tuple[str, ...]], bindings: Bindings) -> str:
    """Whether an event has none of these values."""
    key, named = _bound(values, bindings)
    return f"{key} NOT IN {named}"


def _bound(values: Sequence[tuple[str, ...]], bindings: Bindings) -> tuple[str, str]:
    """The columns of an event's value, and an array of these values."""
    columns = [
        bindings.bind([_stored(text) for text in column], "Array(String)")
        for column in zip(*values, strict=True)
    ]
    if len(columns) == 1:
        return "k0", columns[0]
    keys = ", ".join(f"k{place}" for place in range(len(columns)))
    return f"({keys})", f"arrayZip({', '.join(columns)})"


def place(breakdown: AnyBreakdown | None, values: Sequence[RowValue], bindings: Bindings) -> str:
    """The place of an event's value among these, from 1; 0 for another. Of no breakdown 1."""
    match breakdown:
        case None:
            return "1"
        case ByCohort():
            ids = [value for value in values if isinstance(value, int)]
            return f"indexOf({bindings.bind(ids, 'Array(Int64)')}, k0)"
        case ByProperty():
            texts = [value for value in values if isinstance(value, tuple)]
            if not texts:
                return "0"
            key, named = _bound(texts, bindings)
            return f"indexOf({named}, {key})"
        case _:
            assert_never(breakdown)


def _stored(text: str) -> str:
    return "" if text == NULL else text


def value(breakdown: AnyBreakdown | None, told: Sequence[str | int]) -> RowValue:
    """What a row of these columns has for a value."""
    match breakdown:
        case None:
            return None
        case ByCohort():
            return int(told[0])
        case ByProperty():
            return tuple(str(text) or NULL for text in told)
        case _:
            assert_never(breakdown)
