"""Expressions of the closed subset as ClickHouse text; every literal is bound."""

from collections.abc import Callable, Sequence
from typing import Literal, assert_never

import msgspec

from services.common.clickhouse.statement import Bindings
from services.query.events.conditions_sql import closed, moment, number
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
from services.query.events.operands import MISSING, Operand, json_number, moment_value, text_value

Kind = Literal["text", "number", "boolean", "moment"]
Read = Callable[[Field | Property], Operand]
"""Reads a field or a property in the statement at hand."""


class Term(msgspec.Struct, frozen=True):
    """A part of an expression as SQL.

    operand: its text and number forms, both may be null.
    test: for booleans, the same as UInt8, never null.
    constant: the value, where the text of the expression says it.
    """

    kind: Kind
    operand: Operand
    test: str | None = None
    constant: Constant | None = None


class Writer(msgspec.Struct, frozen=True):
    """Writes the terms of one statement. aggregate: an aggregate, where many events are read."""

    read: Read
    bindings: Bindings
    timezone: str
    aggregate: Callable[[Aggregate], Term] | None = None

    def text(self, expression: Expression) -> str:
        """Its value as Nullable(String)."""
        return self.term(expression).operand.text

    def condition(self, expression: Expression) -> str:
        """Whether it holds: UInt8, never null. Numbers: not 0; text: "true"."""
        term = self.term(expression)
        if term.test is not None:
            return term.test
        if term.kind == "number":
            return f"ifNull({term.operand.number} != 0, 0)"
        return f"ifNull({term.operand.text} = 'true', 0)"

    def term(self, expression: Expression) -> Term:
        match expression:
            case Constant():
                return self._constant(expression)
            case Field(name=name):
                return Term("moment" if name == "timestamp" else "text", self.read(expression))
            case Property():
                return Term("text", self.read(expression))
            case Call(name=name, arguments=arguments):
                return self._call(name, arguments)
            case Arithmetic(sign=sign, left=left, right=right):
                a, b = (self.term(side).operand.number for side in (left, right))
                return number_term(f"ifNotFinite({a} {sign} {b}, NULL)")
            case Compare(sign=sign, left=left, right=right):
                return _boolean_term(self._compare(sign, self.term(left), self.term(right)))
            case OneOf(value=value, among=among):
                mine = self.term(value)
                tests = [self._compare("=", mine, self.term(one)) for one in among]
                return _boolean_term(f"({' OR '.join(tests)})")
            case IsNull(value=value):
                return _boolean_term(f"({self.text(value)} IS NULL)")
            case Not(value=value):
                return _boolean_term(f"(NOT {self.condition(value)})")
            case Combine(how=how, parts=parts):
                tests = [self.condition(part) for part in parts]
                return _boolean_term(f"({f' {how.upper()} '.join(tests)})")
            case Aggregate():
                if self.aggregate is None:
                    raise ValueError("an aggregate is no expression of one event")
                return self.aggregate(expression)
            case _:
                assert_never(expression)

    def _constant(self, constant: Constant) -> Term:
        value = constant.value
        match value:
            case None:
                return Term("text", MISSING, constant=constant)
            case bool():
                term = _boolean_term("1" if value else "0")
                return Term(term.kind, term.operand, term.test, constant)
            case int() | float():
                term = number_term(f"toNullable({self.bindings.bind(float(value), 'Float64')})")
                return Term(term.kind, term.operand, constant=constant)
            case str():
                bound = f"toNullable({self.bindings.bind(value, 'String')})"
                return Term("text", text_value(bound), constant=constant)

    def _call(self, name: str, arguments: Sequence[Expression]) -> Term:
        terms = [self.term(argument) for argument in arguments]
        first = terms[0].operand
        match name:
            case "toString":
                return Term("text", text_value(first.text))
            case "toFloat":
                return number_term(first.number)
            case "toInt":
                return number_term(f"trunc({first.number})")
            case "lower" | "upper":
                return Term("text", text_value(f"{name}UTF8({first.text})"))
            case "length":
                return number_term(f"toFloat64(length({first.text}))")
            case "concat":
                # HogQL: a missing part is empty.
                parts = ", ".join(term.operand.or_empty for term in terms)
                return Term("text", text_value(f"toNullable(concat({parts}, ''))"))
            case "coalesce":
                return _joined(terms, lambda parts: f"coalesce({', '.join(parts)})")
            case "if":
                test = self.condition(arguments[0])
                return _joined(terms[1:], lambda parts: f"if({test}, {parts[0]}, {parts[1]})")
            case _:
                raise AssertionError(name)  # the parser knows no other

    def _compare(self, sign: Comparison, left: Term, right: Term) -> str:
        """Null is equal to null alone, and in no order with anything."""
        a, b = left.operand, right.operand
        if sign == "!=":
            return f"(NOT {self._compare('=', left, right)})"
        if sign in ("like", "ilike"):
            return f"ifNull({a.text} {sign.upper()} {self._like_pattern(right)}, 0)"
        if sign == "=" and _is_null(left):
            return f"({b.text} IS NULL)"
        if sign == "=" and _is_null(right):
            return f"({a.text} IS NULL)"
        if "moment" in (left.kind, right.kind):
            times = (moment(side, self.bindings, self.timezone) for side in (a, b))
            return f"ifNull({f' {sign} '.join(times)}, 0)"
        as_text = f"{a.text} {sign} {b.text}"
        as_number = f"{a.number} {sign} {b.number}"
        if _never_number(left) or _never_number(right):
            return f"ifNull({as_text}, 0)"
        if left.kind == right.kind == "number":
            return f"ifNull({as_number}, 0)"
        either = f"{a.number} IS NULL OR {b.number} IS NULL"
        return f"ifNull(if({either}, {as_text}, {as_number}), 0)"

    def _like_pattern(self, term: Term) -> str:
        """Its text, in which a backslash at the end stands for itself (`closed`)."""
        if term.constant is not None and isinstance(term.constant.value, str):
            return self.bindings.bind(closed(term.constant.value), "String")
        backslash = self.bindings.bind("\\", "String")
        length = f"length({term.operand.text})"
        at_end = f"{length} - length(trimRight({term.operand.text}, {backslash}))"
        return f"concat({term.operand.text}, repeat({backslash}, ({at_end}) % 2))"


def _is_null(term: Term) -> bool:
    return term.constant is not None and term.constant.value is None


def _never_number(term: Term) -> bool:
    if term.kind == "boolean":
        return True
    constant = term.constant
    return (
        constant is not None and isinstance(constant.value, str) and number(constant.value) is None
    )


def number_term(sql: str) -> Term:
    """sql: Nullable(Float64)."""
    return Term("number", json_number(sql))


def _boolean_term(test: str) -> Term:
    text = f"toNullable(if({test}, 'true', 'false'))"
    return Term("boolean", Operand(text=text, number=f"toNullable(toFloat64({test}))"), test=test)


def _joined(terms: Sequence[Term], join: Callable[[list[str]], str]) -> Term:
    """Several terms of which one is the value: of their common kind, or text."""
    kinds = {term.kind for term in terms if not _is_null(term)}
    if kinds == {"number"}:
        return number_term(join([term.operand.number for term in terms]))
    if kinds == {"moment"} and len(terms) == sum(not _is_null(term) for term in terms):
        return Term("moment", moment_value(join([term.operand.moment or "" for term in terms])))
    return Term("text", text_value(join([term.operand.text for term in terms])))
