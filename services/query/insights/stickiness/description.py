"""A plan of stickiness in words (`hogql` of an answer): what was asked, defaults filled in."""

from services.query.events.conditions import ALWAYS
from services.query.events.description import (
    actor_text,
    condition_text,
    own_filters_text,
    range_text,
)
from services.query.events.periods import Span
from services.query.insights.stickiness.plan import Criteria, Series, StickinessPlan

_LEAST = {"gte": "at least", "lte": "at most", "exact": "exactly"}


def describe(plan: StickinessPlan) -> str:
    """Several lines, in the manner of SQL; times in the project's zone."""
    span = plan.current.span
    more = " or more" if plan.cumulative else ""
    lines = [
        f"SELECT actors by number of intervals{more}",
        "FROM events",
        f"WHERE timestamp BETWEEN {_range(span)}",
    ]
    if plan.filters != ALWAYS:
        lines.append(f"  AND {condition_text(plan.filters)}")
    if plan.sample is not None:
        lines.append(f"SAMPLE {plan.sample:g}")
    lines.append(f"STICKINESS over {len(plan.current.intervals)} intervals by {span.interval}")
    if plan.criteria != Criteria():
        lines.append(f"  of {_LEAST[plan.criteria.operator]} {plan.criteria.value} events")
    lines += [f"  {series.place + 1}. {_series(series)}" for series in plan.series]
    if plan.previous is not None:
        lines.append(f"COMPARED WITH {_range(plan.previous.span)}")
    return "\n".join(lines)


def _range(span: Span) -> str:
    return range_text(span.date_from, span.date_to, span.timezone)


def _series(series: Series) -> str:
    entity = series.entity
    words = [f"action {entity.name}" if entity.action_id is not None else entity.name]
    if filters := own_filters_text(entity.matches, entity.entity):
        words.append(f"WHERE {filters}")
    return f"{' '.join(words)}, {actor_text(series.actor)}"
