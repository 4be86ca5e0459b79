"""The conditions of a dynamic cohort: person properties, and membership in other cohorts."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import msgspec
from msgspec import Raw

from contracts.queries.errors import invalid_input
from contracts.queries.loose import Json
from contracts.queries.properties import PropertyFilter, PropertyGroup, read

IN_A_LOOP = "Cohorts cannot reference other cohorts in a loop."
TOO_LARGE = "A cohort is made of too many others."
MOST_FILTERS = 10_000
"""Most conditions in a cohort and all that it is made of, each as often as the engine reads it."""
_DEEPEST = 100
"""Groups in groups and cohorts in cohorts together, as of filters alone."""
_LARGEST = 2**63 - 1

_ATTR = "filters"
_SERVED = ("person", "cohort")


def definition(filters: Raw) -> PropertyGroup:
    """`{"properties": group}`; without properties nobody is a member: an empty OR.

    Raises InvalidQuery naming `filters`.
    """
    sent: Json = msgspec.json.decode(filters)
    properties = sent.get("properties") if isinstance(sent, Mapping) else None
    group = read(properties, _ATTR)
    for each in leaves(group):
        if each.type not in _SERVED:
            raise invalid_input(
                _ATTR,
                f"Cohorts are made of person properties and cohorts, not of {each.type[:50]}.",
            )
    return group


def leaves(group: PropertyGroup) -> Iterator[PropertyFilter]:
    """Every filter in it, however deep."""
    for part in group.values:
        if isinstance(part, PropertyGroup):
            yield from leaves(part)
        else:
            yield part


def named_cohorts(group: PropertyGroup) -> tuple[int, ...]:
    """The cohorts that it is made of, each once, ascending."""
    return tuple(sorted(set(_asked_of(group))))


def check_all(definitions: Mapping[int, PropertyGroup]) -> None:
    """Raises InvalidQuery when one of them comes back to itself, or is larger than a query may be.

    definitions: of dynamic cohorts, by number. Others are lists, or are not there.
    """
    try:
        order = [
            *TopologicalSorter(
                {n: named_cohorts(definitions[n]) for n in definitions}
            ).static_order()
        ]
    except CycleError as cause:
        raise invalid_input(None, IN_A_LOOP) from cause
    filters, depth = dict.fromkeys(order, 1), dict.fromkeys(order, 1)
    for number in order:
        group = definitions.get(number)
        if group is None:
            continue
        asked = [*_asked_of(group)]
        filters[number] = sum(1 for _ in leaves(group)) + sum(filters[each] for each in asked)
        depth[number] = _depth(group) + max((depth[each] for each in asked), default=0)
        if filters[number] > MOST_FILTERS or depth[number] > _DEEPEST:
            raise invalid_input(None, TOO_LARGE)


def _asked_of(group: PropertyGroup) -> Iterator[int]:
    """The cohorts that it is made of, each as often as the query reads it."""
    for each in leaves(group):
        if each.type == "cohort":
            yield from filter(None, map(_named, each.values))


def _depth(group: PropertyGroup) -> int:
    inner = (_depth(part) for part in group.values if isinstance(part, PropertyGroup))
    return 1 + max(inner, default=0)


def cohort_number(value: object) -> int | None:
    """A cohort's number as number or text; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _named(value: object) -> int | None:
    """The number of a cohort that may be there."""
    number = cohort_number(value)
    return number if number is not None and 0 < number <= _LARGEST else None
