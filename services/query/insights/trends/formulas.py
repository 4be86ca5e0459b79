"""Formulas over series (trends.md section 9): their grammar, and what they come to.

sum     = product {("+" | "-") product}
product = sign {("*" | "/" | "%") sign}
sign    = "-" sign | power
power   = value ["**" sign]
value   = number | letter | "(" sum ")"

A is the first series, whatever its case.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

from contracts.queries.errors import invalid_input

Sign = Literal["+", "-", "*", "/", "%", "**"]
MOST_LETTERS = 26
_MAX_LENGTH = 1_000
_MAX_DEPTH = 32
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z]+)|(\*\*|[-+*/%()])|(\S))", re.ASCII)


class Part(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """The base of a formula's parts."""


class Letter(Part, frozen=True):
    """The series at this place, from 0."""

    place: int


class Constant(Part, frozen=True):
    value: float


class Negative(Part, frozen=True):
    of: "AnyPart"


class Operation(Part, frozen=True):
    """%: the remainder has the sign of the right side. **: power."""

    sign: Sign
    left: "AnyPart"
    right: "AnyPart"


AnyPart = Letter | Constant | Negative | Operation


class Formula(msgspec.Struct, frozen=True):
    """text: as it was typed. custom_name: what its row is called, instead of its text."""

    text: str
    tree: AnyPart
    custom_name: str | None = None

    @property
    def label(self) -> str:
        return self.custom_name or f"Formula ({self.text})"


def parse(text: str, series: int, attr: str) -> AnyPart:
    """series: how many there are letters for. Raises InvalidQuery naming `attr`."""
    if len(text) > _MAX_LENGTH:
        raise invalid_input(attr, f"A formula has at most {_MAX_LENGTH:,} characters.")
    tree = _Parser(text, series, attr).whole()
    if not letters(tree):
        raise invalid_input(attr, "A formula names at least one series by its letter.")
    return tree


def letters(part: AnyPart) -> frozenset[int]:
    """The places of the series that it names."""
    match part:
        case Letter(place=place):
            return frozenset({place})
        case Constant():
            return frozenset()
        case Negative(of=inner):
            return letters(inner)
        case Operation(left=left, right=right):
            return letters(left) | letters(right)
        case _:
            assert_never(part)


def value(part: AnyPart, numbers: Sequence[float]) -> float:
    """numbers: of the series, by place. What has no finite real value is 0."""
    try:
        found = _value(part, numbers)
    except (ZeroDivisionError, OverflowError):
        return 0
    return found if math.isfinite(found) else 0


def _value(part: AnyPart, numbers: Sequence[float]) -> float:
    match part:
        case Letter(place=place):
            return numbers[place]
        case Constant(value=constant):
            return constant
        case Negative(of=inner):
            return -_value(inner, numbers)
        case Operation(sign=sign, left=left, right=right):
            return _operation(sign, _value(left, numbers), _value(right, numbers))
        case _:
            assert_never(part)


def _operation(sign: Sign, left: float, right: float) -> float:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right if right else 0
        case "%":
            return left % right if right else 0
        case "**":
            return _power(left, right)
        case _:
            assert_never(sign)


def _power(base: float, exponent: float) -> float:
    """Of 0 to a negative power, and of a negative number to a broken one: 0."""
    if (base == 0 and exponent < 0) or (base < 0 and not float(exponent).is_integer()):
        return 0
    # Of whole numbers too: Python would write all of their digits out.
    return math.pow(base, exponent)


class _Parser:
    """Recursive descent; each method reads one rule of the grammar above."""

    def __init__(self, text: str, series: int, attr: str) -> None:
        self._series = series
        self._attr = attr
        self._tokens = [found.groups() for found in _TOKEN.finditer(text.strip())]
        self._at = 0
        self._depth = 0

    def whole(self) -> AnyPart:
        part = self._sum()
        if self._at < len(self._tokens):
            raise self._refused()
        return part

    def _refused(self) -> Exception:
        tokens = self._tokens[self._at : self._at + 1]
        found = next((f"'{text}'" for token in tokens for text in token if text), "the end")
        return invalid_input(self._attr, f"The formula cannot be read: unexpected {found}.")

    def _sign(self, *signs: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at][2] in signs:
            self._at += 1
            return self._tokens[self._at - 1][2]
        return None

    def _sum(self) -> AnyPart:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise invalid_input(self._attr, "The formula is nested too deeply.")
        left = self._product()
        while sign := self._sign("+", "-"):
            left = Operation("+" if sign == "+" else "-", left, self._product())
        self._depth -= 1
        return left

    def _product(self) -> AnyPart:
        left = self._signed()
        while sign := self._sign("*", "/", "%"):
            kind: Sign = "*" if sign == "*" else "/" if sign == "/" else "%"
            left = Operation(kind, left, self._signed())
        return left

    def _signed(self) -> AnyPart:
        negative = False
        while self._sign("-"):
            negative = not negative
        part = self._power()
        return Negative(part) if negative else part

    def _power(self) -> AnyPart:
        base = self._one()
        if self._sign("**") is None:
            return base
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise invalid_input(self._attr, "The formula is nested too deeply.")
        exponent = self._signed()
        self._depth -= 1
        return Operation("**", base, exponent)

    def _one(self) -> AnyPart:
        if self._sign("("):
            inner = self._sum()
            if self._sign(")") is None:
                raise self._refused()
            return inner
        if self._at == len(self._tokens):
            raise self._refused()
        number, name, _, _ = self._tokens[self._at]
        if number:
            self._at += 1
            return Constant(float(number))
        if name and len(name) == 1:
            place = ord(name.upper()) - ord("A")
            if place >= self._series:
                detail = f"There is no series {name.upper()} in this query."
                raise invalid_input(self._attr, detail)
            self._at += 1
            return Letter(place)
        raise self._refused()
