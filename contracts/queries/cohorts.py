"""What makes a person a member of a dynamic cohort: person properties, and other cohorts."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw

from contracts.queries.errors import invalid_input
from contracts.queries.loose import Json
from contracts.queries.properties import PropertyFilter, PropertyGroup, read

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
    return tuple(
        sorted(
            {
                number
                for each in leaves(group)
                if each.type == "cohort"
                for number in map(cohort_number, each.values)
                if number is not None
            }
        )
    )


def cohort_number(value: object) -> int | None:
    """A cohort's number as number or text; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None
