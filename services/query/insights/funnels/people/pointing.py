"""The number of a planned funnel that a request for people points at."""

from datetime import UTC, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.legacy_actors import NO_DROP_OFF
from contracts.queries.nodes import FunnelsActorsQuery
from services.query.events.breakdown import Cohorts
from services.query.insights.funnels.people.selection import (
    OTHER,
    AtStep,
    EndedAt,
    InBin,
    InPeriod,
    Selection,
    Value,
)
from services.query.insights.funnels.periods import FunnelPeriod, periods
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
)

_Sent = str | int | float | tuple[str | int | float, ...] | None
_ALL_USERS = ("all", "0")
_AROUND = timedelta(days=2)
"""Further from it no period starts that is called as a time is, wherever clocks go."""


def selection(plan: FunnelPlan, query: FunnelsActorsQuery) -> Selection:
    """Raises InvalidQuery for what the funnel's answer does not have, in the node's words."""
    match plan.view:
        case TrendView() as trend:
            return _in_period(plan, trend, query)
        case TimesView():
            if query.funnelConversionTimeFrom is None or query.funnelConversionTimeTo is None:
                return _at_step(plan, query, None)
            return InBin(
                from_seconds=query.funnelConversionTimeFrom,
                to_seconds=query.funnelConversionTimeTo,
            )
        case StepsView():
            return _at_step(plan, query, _value(plan.breakdown, query.funnelStepBreakdown))
        case _:
            assert_never(plan.view)


def _at_step(plan: FunnelPlan, query: FunnelsActorsQuery, value: Value | None) -> AtStep | EndedAt:
    step, n = query.funnelStep, len(plan.steps)
    if query.funnelCustomSteps:
        if not all(1 <= last <= n for last in query.funnelCustomSteps):
            raise invalid_input("funnelCustomSteps", f"This funnel has the steps 1 to {n}.")
        return EndedAt(steps=tuple(sorted(set(query.funnelCustomSteps))), value=value)
    if step is None:
        raise _required("funnelStep")
    if step in (0, -1):
        raise invalid_input("funnelStep", NO_DROP_OFF)
    if not (1 <= step <= n or -n <= step <= -2):
        raise invalid_input("funnelStep", f"This funnel has the steps 1 to {n}.")
    return AtStep(step=step, value=value)


def _in_period(plan: FunnelPlan, trend: TrendView, query: FunnelsActorsQuery) -> InPeriod:
    """Named by a day, or by a time as exactly as one likes.

    Of two hours of the same name, when clocks go back, the first.
    """
    value = _value(plan.breakdown, query.funnelStepBreakdown)
    named, dropped_off = query.funnelTrendsEntrancePeriodStart, query.funnelTrendsDropOff
    if named is None:
        raise _required("funnelTrendsEntrancePeriodStart")
    if dropped_off is None:
        raise _required("funnelTrendsDropOff")
    sent = _local(named, plan.timezone)
    for period in _near(plan, trend, sent):
        if sent in (period.day, f"{period.day} 00:00:00"):
            return InPeriod(start=period.start, dropped_off=dropped_off, value=value)
    raise invalid_input("funnelTrendsEntrancePeriodStart", "No period of this funnel starts then.")


def _near(plan: FunnelPlan, trend: TrendView, local: str) -> list[FunnelPeriod]:
    """The plan's periods around a local time, which are few; none around what is no time."""
    try:
        at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(plan.timezone))
        since, until = at - _AROUND, at + _AROUND
    except (ValueError, OverflowError):
        return []
    return periods(
        msgspec.structs.replace(
            plan,
            date_from=max(plan.date_from, since.astimezone(UTC)),
            date_to=min(plan.date_to, until.astimezone(UTC)),
        ),
        trend,
    )


def _local(named: str, timezone: str) -> str:
    """As periods are called; what is no time stays as it is."""
    try:
        read = datetime.fromisoformat(named)
        local = read if read.tzinfo is None else read.astimezone(ZoneInfo(timezone))
    except (ValueError, OverflowError):
        return named
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _required(attr: str) -> InvalidQuery:
    return InvalidQuery(attr, "required", "This field is required.")


def _value(breakdown: Breakdown | None, sent: _Sent) -> Value | None:
    """The value of the row that the actors are in, whether it was shown boxed or not."""
    if sent is None:
        return None
    if breakdown is None:
        if sent == "":
            return None
        raise invalid_input("funnelStepBreakdown", "This funnel has no breakdown.")
    parts = tuple(_text(part) for part in (sent if isinstance(sent, tuple) else (sent,)))
    match breakdown:
        case ByCohort(cohorts=cohorts):
            return _cohort(cohorts, parts)
        case ByProperty(keys=keys):
            if parts != (OTHER,) and len(parts) != len(keys):
                detail = f"A row of this funnel has {len(keys)} values."
                raise invalid_input("funnelStepBreakdown", detail)
            return parts
        case _:
            assert_never(breakdown)


def _cohort(cohorts: Cohorts, parts: tuple[str, ...]) -> int:
    """By id, or by the name that trends show."""
    for id_, name in cohorts:
        if parts in ((str(id_),), (name,)) or (id_ == 0 and parts[0] in _ALL_USERS):
            return id_
    raise invalid_input("funnelStepBreakdown", "This funnel has no such cohort.")


def _text(part: str | int | float) -> str:
    """Numbers as JSON text, as breakdowns show them."""
    return part if isinstance(part, str) else msgspec.json.encode(part).decode()
