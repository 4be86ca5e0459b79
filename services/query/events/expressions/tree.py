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


AggregateName = Literal["count", "sum", "avg", "min", "max", "countIf", "sumIf", "uniq", "quantile"]
AGGREGATES: dict[str, tuple[AggregateName, int, int]] = {
    "count": ("count", 0, 1),
    "sum": ("sum", 1, 1),
    "avg": ("avg", 1, 1),
    "min": ("min", 1, 1),
    "max": ("max", 1, 1),
    "countif": ("countIf", 1, 1),
    "sumif": ("sumIf", 2, 2),
    "uniq": ("uniq", 1, 1),
    "quantile": ("quantile", 1, 1),
}
"""Name in lower case -> name, fewest and most arguments."""


class NotServed(ValueError):
    """An expression outside the subset; the message says why, for the one who wrote it."""


class ExpressionNode(msgspec.Struct, frozen=True):
    """The base of every node."""


class Constant(ExpressionNode, frozen=True):
    value: str | int | float | bool | None


class Field(ExpressionNode, frozen=True):
    name: FieldName


class Property(ExpressionNode, frozen=True):
    of: Literal["event", "person"]
    key: str


class Call(ExpressionNode, frozen=True):
    name: str
    arguments: tuple["Expression", ...]


class Arithmetic(ExpressionNode, frozen=True):
    sign: Literal["+", "-", "*", "/"]
    left: "Expression"
    right: "Expression"


class Compare(ExpressionNode, frozen=True):
    sign: Comparison
    left: "Expression"
    right: "Expression"


class OneOf(ExpressionNode, frozen=True):
    value: "Expression"
    among: tuple["Expression", ...]


class IsNull(ExpressionNode, frozen=True):
    value: "Expression"


class Not(ExpressionNode, frozen=True):
    value: "Expression"


class Combine(ExpressionNode, frozen=True):
    how: Literal["and", "or"]
    parts: tuple["Expression", ...]


class Aggregate(ExpressionNode, frozen=True):
    """A number of many events; only `parse_aggregate` makes any.

    count: of events, or of those whose argument is not null. sum, avg, min, max, quantile: over the
    argument where it is a number; of no numbers null, but sum is 0. countIf: of events that meet
    the argument. sumIf: of the first argument over the events that meet the second. uniq: how many
    different texts the argument has, null not counted. level: of a quantile, 0 to 1, linear between
    neighbours at level * (n - 1).
    """

    name: AggregateName
    arguments: tuple["Expression", ...]
    level: float | None = None


Expression = (
    Constant
    | Field
    | Property
    | Call
    | Arithmetic
    | Compare
    | OneOf
    | IsNull
    | Not
    | Combine
    | Aggregate
)
