"""Conditions on an event: the one form that steps, exclusions, actions and filters take.

Pure values. `services.query.events.conditions_sql` turns them into ClickHouse text.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

PropertyType = Literal[
    "event", "event_metadata", "person", "group", "session", "element",
]  # fmt: skip
Operator = Literal[
    "exact", "is_not", "contains", "icontains", "not_icontains", "icontains_multi",
    "not_icontains_multi",
    "regex", "not_regex", "gt", "gte", "lt", "lte", "between", "not_between", "is_set",
    "is_not_set", "is_date_exact", "is_date_before", "is_date_after", "is_date_between",
    "is_date_not_between", "is_cleaned_path_exact",
    "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte",
    "semver_tilde", "semver_caret", "semver_wildcard",
]  # fmt: skip
Scalar = str | int | float | bool


class Condition(msgspec.Struct, frozen=True, tag=True, tag_field="kind"):
    """The base of every condition."""


class AllOf(Condition, frozen=True):
    """Every one of them; none at all: always true."""

    conditions: tuple["AnyCondition", ...] = ()


class AnyOf(Condition, frozen=True):
    """At least one of them; none at all: never true."""

    conditions: tuple["AnyCondition", ...] = ()


class EventNamed(Condition, frozen=True):
    """The event's name is one of these, case-sensitive."""

    names: tuple[str, ...]


class PropertyIs(Condition, frozen=True):
    """A property filter (funnels.md section 4), its operator already canonical (`in` is exact …).

    values: never empty, but for is_set and is_not_set; several: any of them (none of them when
        negative). between: its two bounds, inclusive. Dates: ISO 8601 with an offset, relative
        ones already counted back from now.
    contains: LIKE %v%, case-sensitive (the urls of actions); no filter of a request asks for it.
    numeric: the project declares the property numeric, so both sides are read as numbers.
    path_rules: for is_cleaned_path_exact, the project's (regular expression, replacement) in order.
    """

    type: PropertyType
    key: str
    operator: Operator
    values: tuple[Scalar, ...] = ()
    group_type_index: int | None = None
    numeric: bool = False
    path_rules: tuple[tuple[str, str], ...] = ()


class InCohort(Condition, frozen=True):
    """The event's person is (not) a member of the cohort; cohort ids are known to exist."""

    cohort_id: int
    negated: bool = False


class OnDays(Condition, frozen=True):
    """The event is of one of these days of the week: 1 (Monday) … 7, in the project's timezone."""

    days: tuple[int, ...]


class Expression(Condition, frozen=True):
    """An expression of the closed subset of section 4, parsed once and known to be served.

    text: as it was sent; the SQL side parses it again by the same grammar.
    """

    text: str


AnyCondition = AllOf | AnyOf | EventNamed | PropertyIs | InCohort | OnDays | Expression

ALWAYS = AllOf()


def any_names(conditions: Iterable[AnyCondition]) -> frozenset[str] | None:
    """The only names that an event which matches any of them can have."""
    each = [event_names(condition) for condition in conditions]
    known = [names for names in each if names is not None]
    return frozenset().union(*known) if len(known) == len(each) else None


def event_names(condition: AnyCondition) -> frozenset[str] | None:
    """The only names an event that matches can have; None when that cannot be known."""
    match condition:
        case EventNamed(names=names):
            return frozenset(names)
        case AllOf(conditions=parts):
            known = [found for part in parts if (found := event_names(part)) is not None]
            return frozenset.intersection(*known) if known else None
        case AnyOf(conditions=parts):
            return any_names(parts)
        case _:
            return None
