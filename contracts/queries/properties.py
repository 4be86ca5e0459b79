"""Property filters in every shape that clients send, cleaned into one tree."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from contracts.queries.errors import invalid_input

Scalar = str | int | float | bool
Json = Any
"""A decoded JSON value: what a client sent, before it is looked at."""

_TYPES = {"events": "event"}
_COHORTS = ("cohort", "static-cohort", "precalculated-cohort")

OPERATORS = frozenset({
    "exact", "in", "is_not", "not_in", "icontains", "not_icontains", "icontains_multi",
    "not_icontains_multi", "regex", "not_regex", "gt", "gte", "min", "lt", "lte", "max", "between",
    "not_between", "is_set", "is_not_set", "is_date_exact", "is_date_before", "is_date_after",
    "is_date_between", "is_date_not_between",
    "is_cleaned_path_exact", "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt",
    "semver_lte", "semver_tilde", "semver_caret", "semver_wildcard",
})  # fmt: skip


class PropertyFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One cleaned filter. value: None, a scalar, or a list of scalars (nulls have vanished)."""

    key: str
    value: Scalar | tuple[Scalar, ...] | None = None
    operator: str = "exact"
    type: str = "event"
    group_type_index: int | None = None
    negation: bool = False

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value as a list; empty when there is none."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def excludes(self) -> bool:
        """Of a cohort: whether its members are meant to be left out."""
        return self.negation or self.operator in ("not_in", "is_not")


class PropertyGroup(msgspec.Struct, frozen=True):
    """All or any of its parts; none at all: always true."""

    type: Literal["AND", "OR"] = "AND"
    values: tuple["PropertyFilter | PropertyGroup", ...] = ()


EMPTY = PropertyGroup()
MOST_NESTED = 100
"""Groups in groups. Every reader of the tree, down to the engine, goes into it recursively."""


def read(filters: Json, attr: str = "properties") -> PropertyGroup:
    """None, a list, a group {type, values}, one filter, or the old {"key__operator": value}.

    A filter without a usable key is left out. Raises InvalidQuery naming `attr`.
    """
    if filters is None or filters == "":
        return EMPTY
    if isinstance(filters, Mapping):
        return _mapping(filters, attr, 1)
    if isinstance(filters, list | tuple):
        return PropertyGroup("AND", tuple(_parts(filters, attr, 1)))
    raise invalid_input(attr, "Properties are unparsable!")


def _mapping(filters: Mapping[str, Json], attr: str, depth: int) -> PropertyGroup:
    """depth: of this group, from 1."""
    if depth > MOST_NESTED:
        raise invalid_input(attr, "Properties are nested too deeply!")
    if "values" in filters and _group_type(filters) is not None:
        values = filters["values"]
        if not isinstance(values, list | tuple | None):
            raise invalid_input(attr, "Properties are unparsable!")
        return PropertyGroup(
            _group_type(filters) or "AND", tuple(_parts(values or (), attr, depth))
        )
    if "key" in filters:
        return PropertyGroup("AND", tuple(_parts([filters], attr, depth)))
    return PropertyGroup("AND", tuple(_old_style(key, value) for key, value in filters.items()))


def _group_type(filters: Mapping[str, Json]) -> Literal["AND", "OR"] | None:
    match str(filters.get("type", "")).upper():
        case "AND":
            return "AND"
        case "OR":
            return "OR"
        case _:
            return None


def _parts(
    values: Iterable[Json], attr: str, depth: int
) -> Iterable[PropertyFilter | PropertyGroup]:
    for value in values:
        if value is None or value == {}:
            continue
        if not isinstance(value, Mapping):
            raise invalid_input(attr, "Properties are unparsable!")
        if "key" not in value and _group_type(value) is not None:
            yield _mapping(value, attr, depth + 1)
        elif "key" in value or "type" in value:
            found = _filter(value, attr)
            if found is not None:
                yield found
        else:
            yield from (_old_style(key, one) for key, one in value.items())


def _filter(sent: Mapping[str, Json], attr: str) -> PropertyFilter | None:
    type_ = _text(sent.get("type"), "event")
    type_ = "cohort" if type_ in _COHORTS else _TYPES.get(type_, type_)
    key = sent.get("key")
    if type_ == "cohort":
        key = "id"
    elif type_ in ("empty", "flag"):
        key = key or type_
    elif isinstance(key, int | float) and not isinstance(key, bool):
        key = str(key)
    if not isinstance(key, str) or key == "":
        return None
    value = sent.get("value")
    return PropertyFilter(
        key=key,
        value=_value(sent.get("values") if value is None else value),
        operator=_text(sent.get("operator"), "exact"),
        type=type_,
        group_type_index=_index(sent.get("group_type_index"), attr),
        negation=sent.get("negation") in (True, "true", "True", 1),
    )


def _text(sent: Json, default: str) -> str:
    return sent if isinstance(sent, str) and sent else default


def _value(sent: Json) -> Scalar | tuple[Scalar, ...] | None:
    if isinstance(sent, list | tuple):
        return tuple(one for one in sent if _is_scalar(one))
    return sent if _is_scalar(sent) else None


def _is_scalar(value: Json) -> bool:
    return isinstance(value, str | int | float | bool)


def _index(sent: Json, attr: str) -> int | None:
    if sent is None or sent == "":
        return None
    if isinstance(sent, str) and sent.isdigit():
        sent = int(sent)
    if isinstance(sent, bool) or not isinstance(sent, int) or not 0 <= sent <= 4:
        raise invalid_input(attr, "A group_type_index is a number from 0 to 4.")
    return sent


def _old_style(key: str, value: Json) -> PropertyFilter:
    """{"$browser": "Chrome"}, {"age__gt": 5}: what follows __, if it is an operator."""
    name, _, operator = key.rpartition("__")
    if not name or operator not in OPERATORS:
        name, operator = key, "exact"
    return PropertyFilter(key=name, value=_value(value), operator=operator)


def wire(tree: PropertyFilter | PropertyGroup) -> dict[str, Json]:
    """A cleaned tree as a query node shows it; the type of every filter is written out.

    A cohort has its own two operators, which tell a negation too; an expression has none.
    """
    if isinstance(tree, PropertyGroup):
        return {"type": tree.type, "values": [wire(part) for part in tree.values]}
    shown: dict[str, Json] = msgspec.json.decode(msgspec.json.encode(tree))
    match tree.type:
        case "cohort":
            shown.pop("negation", None)
            return {**shown, "operator": "not_in" if tree.excludes else "in", "type": "cohort"}
        case "hogql":
            shown.pop("operator", None)
            return {**shown, "type": "hogql"}
        case _:
            return {**shown, "operator": tree.operator, "type": tree.type}
