"""A plan in words, for people to read (`hogql` of an answer): the query, defaults filled in.

It is never run, and says nothing of how the engine computes it.
"""

from typing import assert_never

from services.query.events.conditions import ALWAYS
from services.query.events.description import (
    actor_text,
    condition_text,
    key_text,
    own_filters_text,
    range_text,
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

_UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def describe(plan: FunnelPlan) -> str:
    """Several lines, in the manner of SQL; times in the project's zone."""
    lines = [
        f"SELECT {_selected(plan.view)}",
        "FROM events",
        f"WHERE timestamp BETWEEN {range_text(plan.date_from, plan.date_to, plan.timezone)}",
    ]
    if plan.filters != ALWAYS:
        lines.append(f"  AND {condition_text(plan.filters)}")
    if plan.sample is not None:
        lines.append(f"SAMPLE {plan.sample:g}")
    lines.append(
        f"FUNNEL {plan.order}, within {_duration(plan.window_seconds)}, {actor_text(plan.actor)}"
    )
    lines += [f"  {number}. {_step(step)}" for number, step in enumerate(plan.steps, start=1)]
    lines += [f"EXCLUDING {_exclusion(exclusion)}" for exclusion in plan.exclusions]
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
    if filters := own_filters_text(step.matches, step.entity):
        words.append(f"WHERE {filters}")
    if step.optional:
        words.append("(optional)")
    return " ".join(words)


def _named(step: Step) -> str:
    name = "any event" if step.name is None else step.name
    return f"action {name}" if step.type == "actions" else name


def _exclusion(exclusion: Exclusion) -> str:
    between = f"BETWEEN step {exclusion.from_step + 1} AND step {exclusion.to_step + 1}"
    return f"{condition_text(exclusion.matches)} {between}"


def _breakdown(breakdown: Breakdown) -> str:
    match breakdown:
        case ByCohort(cohorts=cohorts):
            return ", ".join(f"cohort {name}" for _, name in cohorts)
        case ByProperty(keys=keys, attribution=attribution, limit=limit):
            named = ", ".join(key_text(key) for key in keys)
            return f"{named} ({_attribution(attribution)}, at most {limit} rows)"
        case _:
            assert_never(breakdown)


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


def _duration(seconds: int) -> str:
    size, unit = next(pair for pair in _UNITS if seconds % pair[0] == 0)
    if unit == "week" and seconds != size:
        size, unit = 86_400, "day"
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
