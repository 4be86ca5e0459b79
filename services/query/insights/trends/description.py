"""A plan of trends in words (`hogql` of an answer): what was asked, defaults filled in."""

from typing import assert_never

from services.query.events.conditions import ALWAYS
from services.query.events.description import (
    actor_text,
    condition_text,
    key_text,
    own_filters_text,
    range_text,
)
from services.query.events.periods import Span
from services.query.insights.trends.plan import (
    ActiveActors,
    Actors,
    Aggregation,
    AnyBreakdown,
    AnyMath,
    AnyNumber,
    Boxes,
    ByCohort,
    ByProperty,
    EventNumber,
    FirstTime,
    OfCounts,
    OfProperty,
    OneValue,
    PersonNumber,
    Points,
    RowKey,
    Series,
    SessionNumber,
    Sessions,
    Spread,
    TimeNumber,
    Total,
    TrendsPlan,
)


def describe(plan: TrendsPlan) -> str:
    """Several lines, in the manner of SQL; times in the project's zone."""
    lines = [
        f"SELECT {_shape(plan)}",
        "FROM events",
        f"WHERE timestamp BETWEEN {_range(plan.span)}",
    ]
    if plan.filters != ALWAYS:
        lines.append(f"  AND {condition_text(plan.filters)}")
    if plan.sample is not None:
        lines.append(f"SAMPLE {plan.sample:g}")
    lines.append("COUNTING")
    lines += [f"  {series.place + 1}. {_series(series)}" for series in plan.series]
    lines += [f"  {place + 1}. unknown action {number}" for place, number in plan.unknown]
    lines += [f"FORMULA {formula.text}" for formula in plan.formulas]
    if plan.breakdown is not None:
        lines.append(f"BY {_breakdown(plan.breakdown)}")
    if plan.previous is not None:
        lines.append(f"COMPARED WITH {_range(plan.previous)}")
    return "\n".join(lines)


def _shape(plan: TrendsPlan) -> str:
    match plan.shape:
        case OneValue():
            return "one number"
        case Boxes():
            return f"the spread of numbers by {plan.span.interval}"
        case Points(cumulative=cumulative, smoothing=smoothing):
            words = [f"{'running sums' if cumulative else 'numbers'} by {plan.span.interval}"]
            if smoothing > 1:
                words.append(f"smoothed over {smoothing}")
            return ", ".join(words)
        case _:
            assert_never(plan.shape)


def _range(span: Span) -> str:
    return range_text(span.date_from, span.date_to, span.timezone)


def _series(series: Series) -> str:
    entity = series.entity
    words = [_math(series.math)]
    words.append(f"action {entity.name}" if entity.action_id is not None else entity.name)
    if filters := own_filters_text(entity.matches, entity.entity):
        words.append(f"WHERE {filters}")
    if series.multiplier is not None:
        words.append(f"* {series.multiplier:g}")
    return " ".join(words)


def _math(math: AnyMath) -> str:
    match math:
        case Total():
            return "events:"
        case Actors(actor=actor):
            return f"distinct actors {actor_text(actor)}:"
        case ActiveActors(actor=actor, days=days):
            return f"distinct actors {actor_text(actor)} of the last {days} days:"
        case Sessions():
            return "distinct sessions:"
        case FirstTime(actor=actor, matching=matching):
            which = "first matching event" if matching else "first event"
            return f"{which} ever {actor_text(actor)}:"
        case OfProperty(statistic=statistic, number=number):
            return f"{statistic} of {_number(number)}:"
        case OfCounts(statistic=statistic, actor=actor):
            return f"{statistic} of the number of events {actor_text(actor)}:"
        case Spread(number=number):
            return f"{_number(number)}:"
        case Aggregation():
            return "an expression over events:"
        case _:
            assert_never(math)


def _number(number: AnyNumber) -> str:
    match number:
        case EventNumber(key=key):
            return f"properties.{key}"
        case PersonNumber(key=key):
            return f"person.properties.{key}"
        case SessionNumber(key=key):
            return f"session.{key}"
        case TimeNumber():
            return "timestamp"
        case _:
            assert_never(number)


def _breakdown(breakdown: AnyBreakdown) -> str:
    match breakdown:
        case ByCohort(cohorts=cohorts):
            return ", ".join(f"cohort {name}" if number else name for number, name in cohorts)
        case ByProperty(keys=keys, limit=limit):
            return f"{', '.join(_key(key) for key in keys)} (at most {limit} rows)"
        case _:
            assert_never(breakdown)


def _key(key: RowKey) -> str:
    bins = "" if key.bins is None else f" in {key.bins} bins"
    return f"{key_text(key.read)}{bins}"
