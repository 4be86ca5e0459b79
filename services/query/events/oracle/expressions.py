"""Expressions of the closed subset in plain Python; aggregate ones over many events.

Times are compared as their text here, which is right for ISO texts of UTC alone.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, assert_never

from services.query.events.expressions.tree import (
    Aggregate,
    Arithmetic,
    Call,
    Combine,
    Compare,
    Comparison,
    Constant,
    Expression,
    Field,
    IsNull,
    Not,
    OneOf,
    Property,
)
from services.query.events.oracle.operators import as_number, as_text, like

Value = str | float | bool | None
"""The value of a part. A value that is read of an event is text, whatever its type."""

Read = Callable[[Field | Property], str | None]


def text(value: Value) -> str | None:
    return None if value is None else as_text(value)


def number(value: Value) -> float | None:
    """The finite number that it reads as; true and false are 1 and 0."""
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    return as_number(value) if isinstance(value, str) else float(value)


def holds(value: Value) -> bool:
    """As a condition. Numbers: not 0; text: "true"."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float | int):
        return value != 0
    return value == "true"


def evaluate(
    expression: Expression,
    read: Read,
    aggregated: Callable[[Aggregate], float | None] | None = None,
) -> Value:
    """read: a field of the event. aggregated: in an aggregate expression, what one comes to."""

    def inner(part: Expression) -> Value:
        return evaluate(part, read, aggregated)

    match expression:
        case Constant(value=value):
            return value
        case Field() | Property():
            return read(expression)
        case Call(name=name, arguments=arguments):
            return _call(name, [inner(argument) for argument in arguments])
        case Arithmetic(sign=sign, left=left, right=right):
            return _arithmetic(sign, number(inner(left)), number(inner(right)))
        case Compare(sign=sign, left=left, right=right):
            return _compares(sign, inner(left), inner(right))
        case OneOf(value=value, among=among):
            return any(_compares("=", inner(value), inner(one)) for one in among)
        case IsNull(value=value):
            return inner(value) is None
        case Not(value=value):
            return not holds(inner(value))
        case Combine(how="and", parts=parts):
            return all(holds(inner(part)) for part in parts)
        case Combine(parts=parts):
            return any(holds(inner(part)) for part in parts)
        case Aggregate():
            if aggregated is None:
                raise ValueError("an aggregate is no expression of one event")
            return aggregated(expression)
        case _:
            assert_never(expression)


def aggregate(one: Aggregate, reads: Sequence[Read]) -> float | None:
    """reads: of each event."""

    def of_all(index: int) -> list[Value]:
        return [evaluate(one.arguments[index], read) for read in reads]

    match one.name:
        case "count":
            return len([v for v in of_all(0) if v is not None]) if one.arguments else len(reads)
        case "countIf":
            return sum(holds(value) for value in of_all(0))
        case "uniq":
            return len({text(value) for value in of_all(0) if value is not None})
        case "sumIf":
            kept = [read for read in reads if holds(evaluate(one.arguments[1], read))]
            return sum(_numbers([evaluate(one.arguments[0], read) for read in kept]))
        case _:
            pass
    numbers = sorted(_numbers(of_all(0)))
    if one.name == "sum":
        return math.fsum(numbers)
    if not numbers:
        return None
    match one.name:
        case "avg":
            return math.fsum(numbers) / len(numbers)
        case "min":
            return numbers[0]
        case "max":
            return numbers[-1]
        case "quantile":
            return quantile(numbers, one.level or 0)
        case _:
            raise AssertionError(one.name)


def quantile(ordered: Sequence[float], level: float) -> float:
    """Of sorted v: "linear between neighbours at q·(n−1)"."""
    rank = level * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def _numbers(values: Sequence[Value]) -> list[float]:
    return [found for value in values if (found := number(value)) is not None]


def _arithmetic(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    found = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
    if found is None:
        found = left / right
    return found if math.isfinite(found) else None


def _compares(sign: Comparison, left: Value, right: Value) -> bool:
    """Null is equal to null alone, and in no order with anything."""
    if sign == "!=":
        return not _compares("=", left, right)
    if left is None or right is None:
        return sign == "=" and left is None and right is None
    if sign in ("like", "ilike"):
        mine, pattern = as_text(left), as_text(right)
        if sign == "ilike":
            mine, pattern = mine.lower(), pattern.lower()
        return like(mine, pattern)
    a, b = number(left), number(right)
    if a is None or b is None or isinstance(left, bool) or isinstance(right, bool):
        return _ordered(sign, as_text(left).encode(), as_text(right).encode())
    return _ordered(sign, a, b)


def _ordered(sign: Comparison, left: Any, right: Any) -> bool:
    order: int = (left > right) - (left < right)
    match sign:
        case "=":
            return order == 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


def _call(name: str, values: Sequence[Value]) -> Value:
    match name:
        case "toString":
            return text(values[0])
        case "toFloat":
            return number(values[0])
        case "toInt":
            found = number(values[0])
            return None if found is None else float(math.trunc(found))
        case "lower" | "upper":
            string = text(values[0])
            if string is None:
                return None
            return string.lower() if name == "lower" else string.upper()
        case "length":
            string = text(values[0])
            return None if string is None else float(len(string.encode()))
        case "concat":
            return "".join(text(value) or "" for value in values)
        case "coalesce":
            return next((value for value in values if value is not None), None)
        case "if":
            return values[1] if holds(values[0]) else values[2]
        case _:
            raise AssertionError(name)
