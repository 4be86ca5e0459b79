"""The closed subset of SQL expressions that is served (funnels.md section 4), as a tree.

Nothing of the text ever reaches the engine: `expressions_sql` writes its own from this tree.
"""

from typing import Literal, get_args

import msgspec

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "like", "ilike"]
FUNCTIONS: dict[str, tuple[str, int, int]] = {
    "tostring": ("toString", 1, 1),
    "tofloat": ("toFloat", 1, 1),
    "toint": ("toInt", 1, 1),
    "lower": ("lower", 1, 1),
    "upper": ("upper", 1, 1),
    "length": ("length", 1, 1),
    "coalesce": ("coalesce", 1, 32),
    "if": ("if", 3, 3),
    "concat": ("concat", 1, 32),
}
"""Name in lower case -> name, fewest and most arguments."""
FieldName = Literal["event", "distinct_id", "timestamp", "person_id"]
FIELDS: dict[str, FieldName] = {name: name for name in get_args(FieldName)}


class NotServed(ValueError):
    """An expression outside the subset; the message says why, for the one who wrote it."""


class Node(msgspec.Struct, frozen=True):
    """The base of every node."""


class Constant(Node, frozen=True):
    value: str | int | float | bool | None


class Field(Node, frozen=True):
    name: FieldName


class Property(Node, frozen=True):
    of: Literal["event", "person"]
    key: str


class Call(Node, frozen=True):
    name: str
    arguments: tuple["Expression", ...]


class Arithmetic(Node, frozen=True):
    sign: Literal["+", "-", "*", "/"]
    left: "Expression"
    right: "Expression"


class Compare(Node, frozen=True):
    sign: Comparison
    left: "Expression"
    right: "Expression"


class OneOf(Node, frozen=True):
    value: "Expression"
    among: tuple["Expression", ...]


class IsNull(Node, frozen=True):
    value: "Expression"


class Not(Node, frozen=True):
    value: "Expression"


class Combine(Node, frozen=True):
    how: Literal["and", "or"]
    parts: tuple["Expression", ...]


Expression = (
    Constant | Field | Property | Call | Arithmetic | Compare | OneOf | IsNull | Not | Combine
)
