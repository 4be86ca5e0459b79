"""Operands: a property as ClickHouse reads it, in the few expressions that comparisons are built
from.

Measured on 2 M events, CPU time (scan of person and time: 27 ms): equality on the String variant
28 ms, a number by its variants 40 ms, a boolean 17 ms, whether it is there 24 ms; the text of any
type 37 ms where null must be told from "", 27 ms where it need not. `getSubcolumn` with a bound
name costs four times, JSONExtract over the sent text ten times the String variant.
"""

import msgspec

from contracts.product_events import column_key

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")


class Operand(msgspec.Struct, frozen=True):
    """One value as SQL text.

    text: String or Nullable(String), the value as section 4 compares it; null: not there.
    number: Nullable(Float64), null where the text does not read as a finite number.
    variants: the cheaper forms that a JSON value has, one per type.
    moment: DateTime64, for values that are times by nature.
    """

    text: str
    number: str
    variants: "Variants | None" = None
    moment: str | None = None

    @property
    def or_empty(self) -> str:
        """The text, "" where there is no value (String)."""
        return f"ifNull({self.text}, '')" if self.variants is None else self.variants.or_empty


class Variants(msgspec.Struct, frozen=True):
    """A JSON value by its type, each null where it is of another: reading one costs half the text.

    string: Nullable(String), lists and objects too. number: Nullable(Float64). boolean:
    Nullable(Bool). there: whether there is any (UInt8). or_empty: the text of any type, "" where
    there is none (String).
    """

    string: str
    number: str
    boolean: str
    there: str
    or_empty: str


def quoted(key: str) -> str:
    """A property key as an identifier between backticks.

    Whatever is not a letter, digit, _ or $ is written as \\xHH, byte by byte: no key can end the
    quotes, start a comment or look like a binding. "" has no identifier: callers leave it out.
    """
    return "`" + "".join(c if c in _PLAIN else _escaped(c) for c in key) + "`"


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "replace"))


def json_property(column: str, key: str) -> Operand:
    """A top-level key of a `properties` column (contracts/product_events.py: `property_texts`)."""
    if not key:
        return MISSING
    value = f"{column}.{quoted(column_key(key))}"
    string = f"{value}.:String"
    # `.:Float64` alone silently drops integers, and a CAST reads `true` as 1.
    number = f"coalesce({value}.:Float64, toFloat64({value}.:Int64))"
    there = f"({value} IS NOT NULL)"
    text = f"toString({value})"
    return Operand(
        text=f"if({there}, {text}, NULL)",
        number=f"if({string} IS NULL, {number}, {read_number(string)})",
        variants=Variants(
            string=string,
            number=number,
            boolean=f"{value}.:Bool",
            there=there,
            or_empty=text,
        ),
    )


def read_number(text: str) -> str:
    """The number that a text reads as: plain decimal notation, finite; else null."""
    return f"ifNotFinite(toFloat64OrNull({text}), NULL)"


def text_value(text: str) -> Operand:
    """A value that is text by nature: a column, a function of one."""
    return Operand(text=text, number=read_number(text))


def moment_value(moment: str) -> Operand:
    """A time: as text it is ISO 8601 in UTC with microseconds."""
    text = f"formatDateTime({moment}, '%Y-%m-%dT%H:%i:%s.%fZ', 'UTC')"
    return Operand(text=text, number="CAST(NULL, 'Nullable(Float64)')", moment=moment)


def json_number(number: str) -> Operand:
    """A number (Nullable(Float64)), with the text that JSON gives it."""
    return Operand(text=f"toString({number})", number=number)


MISSING = Operand(
    text="CAST(NULL, 'Nullable(String)')",
    number="CAST(NULL, 'Nullable(Float64)')",
)
