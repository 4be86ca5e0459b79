"""Aggregate expressions as ClickHouse text: what is read of each event, and what is made of it."""

from collections.abc import Callable
from typing import assert_never

import msgspec

from services.common.clickhouse.statement import Bindings
from services.query.events.expressions.sql import Term, Writer, number_term
from services.query.events.expressions.tree import Aggregate, Expression, Field, Property
from services.query.events.operands import Operand
from services.query.events.statistics_sql import exact_sum, quantile


class AggregateColumns(msgspec.Struct, frozen=True):
    """columns: of each event, by name. value: over them, for many events: Nullable(Float64)."""

    columns: dict[str, str]
    value: str


def aggregated(expression: Expression, of_event: Writer, bindings: Bindings) -> AggregateColumns:
    """of_event: writes what aggregates read of one event."""
    columns: dict[str, str] = {}

    def column(text: str) -> str:
        return columns.setdefault(text, f"x{len(columns)}")

    writer = Writer(
        _no_field, bindings, of_event.timezone, lambda one: _aggregate(one, of_event, column)
    )
    value = writer.term(expression).operand.number
    return AggregateColumns({name: text for text, name in columns.items()}, value)


def _aggregate(one: Aggregate, of_event: Writer, column: Callable[[str], str]) -> Term:
    def number(index: int) -> str:
        return column(of_event.term(one.arguments[index]).operand.number)

    match one.name:
        case "count":
            text = (
                f"count({column(of_event.text(one.arguments[0]))})" if one.arguments else "count()"
            )
        case "countIf":
            text = f"countIf({column(of_event.condition(one.arguments[0]))})"
        case "uniq":
            text = f"uniqExact({column(of_event.text(one.arguments[0]))})"
        case "sum":
            text = f"ifNull({exact_sum(number(0))}, 0)"
        case "sumIf":
            kept = f"if({column(of_event.condition(one.arguments[1]))}, {number(0)}, NULL)"
            text = f"ifNull({exact_sum(kept)}, 0)"
        case "avg":
            text = f"{exact_sum(number(0))} / count({number(0)})"
        case "min" | "max":
            text = f"{one.name}({number(0)})"
        case "quantile":
            text = quantile(one.level or 0, number(0))
        case _:
            assert_never(one.name)
    return number_term(f"toNullable(toFloat64({text}))")


def _no_field(field: Field | Property) -> Operand:
    raise ValueError(f"{field!r} stands in no aggregate")
