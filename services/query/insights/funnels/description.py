"""A plan in words, for people to read (`hogql` of an answer): what was asked, defaults filled in.

It is never run, and says nothing of how the engine computes it.
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
from services.query.insights.funnels.plan import (
    Attribution,
    Breakdown,
    ByCohort,
    ByProperty,
    EachValue,
    Exclusion,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    OfStep,
    Step,
    StepsView,
    TimesView,
    TrendView,
    View,
)

_SIGNS = {
    "exact": "=", "is_not": "!=", "contains": "LIKE", "icontains": "ILIKE",
    "not_icontains": "NOT ILIKE", "icontains_multi": "ILIKE", "not_icontains_multi": "NOT ILIKE",
    "regex": "=~", "not_regex": "!~", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "is_date_before": "<", "is_date_after": ">", "is_date_exact": "=",
}  # fmt: skip
_UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_OF = {
    "event": "properties.", "event_metadata": "", "person": "person.properties.",
    "session": "session.", "element": "element.",
}  # fmt: skip


def describe(plan: FunnelPlan) -> str:
    """Several lines, in the manner of SQL; times in the project's zone."""
    lines = [
        f"SELECT {_selected(plan.view)}",
        "FROM events",
        f"WHERE timestamp BETWEEN {_time(plan, plan.date_from)} AND {_time(plan, plan.date_to)}",
    ]
    if plan.filters != ALWAYS:
        lines.append(f"  AND {_text(plan.filters)}")
    if plan.sample is not None:
        lines.append(f"SAMPLE {plan.sample:g}")
    lines.append(f"FUNNEL {plan.order}, within {_duration(plan.window_seconds)}, {_by(plan.actor)}")
    lines += [f"  {place}. {_step(step)}" for place, step in enumerate(plan.steps, start=1)]
    lines += [f"EXCLUDING {_exclusion(bar)}" for bar in plan.exclusions]
    if plan.breakdown is not None:
        lines.append(f"BREAKDOWN BY {_breakdown(plan.breakdown)}")
    return "\n".join(lines)


def _selected(view: View) -> str:
    match view:
        case StepsView():
            return "actors, average_conversion_time, median_conversion_time by step"
        case TrendView(from_step=since, to_step=to, interval=interval):
            return f"conversion_rate from step {since} to step {to} by {interval}"
        case TimesView(from_step=since, to_step=to):
            return f"actors by time from step {since} to step {to}"
        case _:
            assert_never(view)


def _step(step: Step) -> str:
    words = [_named(step)]
    if step.first_time is not None:
        words.append(f"({step.first_time.replace('_', ' ')})")
    if filters := _filters_of(step):
        words.append(f"WHERE {filters}")
    if step.optional:
        words.append("(optional)")
    return " ".join(words)


def _named(step: Step) -> str:
    name = "any event" if step.name is None else step.name
    return f"action {name}" if step.type == "actions" else name


def _filters_of(step: Step) -> str:
    """Beside the event or action itself; both stand first where they are joined."""
    if step.matches == step.entity:
        return ""
    if step.entity == ALWAYS:
        return _text(step.matches)
    if isinstance(step.matches, AllOf):
        return _joined((part for part in step.matches.conditions if part != step.entity), "AND")
    return _text(step.matches)


def _exclusion(bar: Exclusion) -> str:
    return f"{_text(bar.matches)} BETWEEN step {bar.from_step + 1} AND step {bar.to_step + 1}"


def _by(actor: AnyActor) -> str:
    match actor:
        case PersonActor():
            return "by person"
        case GroupActor(index=index):
            return f"by group {index}"
        case ExpressionActor(text=text):
            return f"by {text}"
        case _:
            assert_never(actor)


def _breakdown(breakdown: Breakdown) -> str:
    match breakdown:
        case ByCohort(cohorts=cohorts):
            return ", ".join(f"cohort {name}" for _, name in cohorts)
        case ByProperty(keys=keys, attribution=attribution, limit=limit):
            named = ", ".join(_key(key) for key in keys)
            return f"{named} ({_attribution(attribution)}, at most {limit} rows)"
        case _:
            assert_never(breakdown)


def _key(key: Key) -> str:
    match key:
        case PropertyKey(of=of, name=name):
            return f"{_prefix(of, None)}{name}"
        case GroupKey(index=index, name=name):
            return f"{_prefix('group', index)}{name}"
        case ExpressionKey(text=text):
            return text
        case _:
            assert_never(key)


def _attribution(attribution: Attribution) -> str:
    match attribution:
        case FirstTouch():
            return "first touch"
        case LastTouch():
            return "last touch"
        case EachValue():
            return "all events"
        case OfStep(step=step):
            return f"step {step}"
        case _:
            assert_never(attribution)


def _text(condition: AnyCondition) -> str:
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


def _joined(parts: Iterable[AnyCondition], word: str) -> str:
    return f" {word} ".join(_text(part) for part in parts)


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


def _duration(seconds: int) -> str:
    size, unit = next(pair for pair in _UNITS if seconds % pair[0] == 0)
    if unit == "week" and seconds != size:
        size, unit = 86_400, "day"
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _time(plan: FunnelPlan, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(plan.timezone))
    return f"'{local.replace(tzinfo=None)}'"
