"""Conditions, values, actors and times in words, for people to read (`hogql` of an answer).

They are never run, and say nothing of how the engine computes them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
    Scalar,
)

_SIGNS = {
    "exact": "=", "is_not": "!=", "contains": "LIKE", "icontains": "ILIKE",
    "not_icontains": "NOT ILIKE", "icontains_multi": "ILIKE", "not_icontains_multi": "NOT ILIKE",
    "regex": "=~", "not_regex": "!~", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "is_date_before": "<", "is_date_after": ">", "is_date_exact": "=",
}  # fmt: skip
_OF = {
    "event": "properties.", "event_metadata": "", "person": "person.properties.",
    "session": "session.", "element": "element.",
}  # fmt: skip


def actor_text(actor: AnyActor) -> str:
    match actor:
        case PersonActor():
            return "by person"
        case GroupActor(index=index):
            return f"by group {index}"
        case ExpressionActor(text=text):
            return f"by {text}"
        case _:
            assert_never(actor)


def key_text(key: Key) -> str:
    match key:
        case PropertyKey(of=of, name=name):
            return f"{_prefix(of, None)}{name}"
        case GroupKey(index=index, name=name):
            return f"{_prefix('group', index)}{name}"
        case ExpressionKey(text=text):
            return text
        case _:
            assert_never(key)


def condition_text(condition: AnyCondition) -> str:
    match condition:
        case AllOf(conditions=parts):
            return _joined(parts, "AND") or "true"
        case AnyOf(conditions=parts):
            return f"({_joined(parts, 'OR')})" if parts else "false"
        case EventNamed(names=names):
            return _among("event", "=", names)
        case PropertyIs():
            return _property(condition)
        case InCohort(cohort_id=cohort_id, negated=negated):
            return f"person {'NOT IN' if negated else 'IN'} COHORT {cohort_id}"
        case OnDays(days=days):
            return _among("day of week", "=", days)
        case Expression(text=text):
            return f"({text})"
        case _:
            assert_never(condition)


def own_filters_text(matches: AnyCondition, entity: AnyCondition) -> str:
    """The filters beside the event or action itself; both come first where they are joined.

    matches: the entity with its filters. "" for none.
    """
    if matches == entity:
        return ""
    if entity == ALWAYS:
        return condition_text(matches)
    if isinstance(matches, AllOf):
        return _joined((part for part in matches.conditions if part != entity), "AND")
    return condition_text(matches)


def _joined(parts: Iterable[AnyCondition], word: str) -> str:
    return f" {word} ".join(condition_text(part) for part in parts)


def _property(condition: PropertyIs) -> str:
    name = f"{_prefix(condition.type, condition.group_type_index)}{condition.key}"
    match condition.operator:
        case "is_set":
            return f"{name} IS NOT NULL"
        case "is_not_set":
            return f"{name} IS NULL"
        case "between" | "not_between" | "is_date_between" | "is_date_not_between" as operator:
            low, high = condition.values
            word = operator.removeprefix("is_date_")
            return f"{name} {word.replace('_', ' ').upper()} {_literal(low)} AND {_literal(high)}"
        case operator:
            sign = _SIGNS.get(operator, operator.removeprefix("is_").replace("_", " "))
            return _among(name, sign, condition.values)


def _among(name: str, sign: str, values: Iterable[Scalar]) -> str:
    shown = [_literal(value) for value in values]
    if len(shown) == 1:
        return f"{name} {sign} {shown[0]}"
    together = f"({', '.join(shown)})"
    match sign:
        case "=":
            return f"{name} IN {together}"
        case "!=":
            return f"{name} NOT IN {together}"
        case _:
            return f"{name} {sign} {'ALL' if sign.startswith(('N', '!')) else 'ANY'} {together}"


def _prefix(type_: str, group_type_index: int | None) -> str:
    return f"group_{group_type_index or 0}.properties." if type_ == "group" else _OF[type_]


def _literal(value: Scalar) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{quoted}'"
        case _:
            return str(value)


def range_text(since: datetime, until: datetime, timezone: str) -> str:
    """Both ends, in the project's zone."""
    zone = ZoneInfo(timezone)
    since, until = (at.astimezone(zone).replace(tzinfo=None) for at in (since, until))
    return f"'{since}' AND '{until}'"
