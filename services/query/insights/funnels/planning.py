"""A FunnelsQuery becomes a FunnelPlan: everything defaulted, every rule of section 2 checked.

Pure: what must be looked up comes in as PlanningFacts.
"""

from datetime import datetime
from typing import assert_never

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.nodes import DateRange, FunnelsQuery
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.cohorts import plan_cohorts
from services.query.events.dates import Calendar, date_range, just_before, shifted
from services.query.events.facts import PlanningFacts
from services.query.events.filters import checked_expression
from services.query.events.periods import MOST_PERIODS
from services.query.events.series import common_filters, group_type, share_of_actors
from services.query.insights.funnels.breakdowns import plan_breakdown
from services.query.insights.funnels.periods import MOST_POINTS, count
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FunnelPlan,
    Interval,
    StepsView,
    TimesView,
    TrendView,
    View,
)
from services.query.insights.funnels.steps import plan_exclusions, plan_step
from services.query.insights.funnels.validation import check

_UNIT_SECONDS = {
    "second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800, "month": 31 * 86_400,
}  # fmt: skip
DEFAULT_WINDOW = 14
_MAX_WINDOW_SECONDS = 100 * 366 * 86_400


def plan_funnel(query: FunnelsQuery, facts: PlanningFacts, *, legacy: bool = False) -> FunnelPlan:
    """Raises InvalidQuery for the first rule that is broken.

    legacy: the request came as a legacy filter: one step is served, and rows broken down by one
    text show it unboxed.
    """
    check(query, legacy=legacy)
    steps = tuple(plan_step(node, facts) for node in query.series)
    exclusions = plan_exclusions(query.funnel.exclusions or (), facts)
    view = _view(query)
    breakdown = plan_breakdown(query, facts, legacy=legacy)
    window_seconds = _window_seconds(query)
    date_from, date_to = _dates(query, facts.calendar)
    funnel = query.funnel
    plan = FunnelPlan(
        team_id=facts.team_id,
        steps=steps,
        exclusions=exclusions,
        order=funnel.funnelOrderType or "ordered",
        view=view,
        window_seconds=window_seconds,
        date_from=date_from,
        date_to=date_to,
        # Events of other days of the week are not there at all, whatever the order.
        filters=common_filters(query.properties, query.filterTestAccounts, query.dateRange, facts),
        actor=_actor(query),
        # PostHog: times to convert ignore it.
        breakdown=None if isinstance(view, TimesView) else breakdown,
        sample=share_of_actors(query.samplingFactor),
        timezone=facts.timezone,
        week_starts_monday=facts.week_starts_monday,
        cohorts=plan_cohorts(facts),
        now=facts.now,
    )
    if isinstance(view, TrendView):
        _check_size(plan, view)
    return plan


def _check_size(plan: FunnelPlan, trend: TrendView) -> None:
    """Bounds the answer by its plan, before anything is computed."""
    periods = count(plan, trend)
    if periods > MOST_PERIODS:
        detail = (
            f"A trend has at most {MOST_PERIODS:,} periods, and this one {periods:,}."
            " Choose a longer interval or a shorter date range."
        )
        raise invalid_input("interval", detail)
    lines = _lines(plan.breakdown)
    if lines * periods > MOST_POINTS:
        detail = (
            f"A trend has at most {MOST_POINTS:,} points, and {lines:,} values of {periods:,}"
            " periods are more. Choose a lower breakdown limit, a longer interval or a shorter"
            " date range."
        )
        raise invalid_input("breakdownFilter__breakdown_limit", detail)


def _lines(breakdown: Breakdown | None) -> int:
    """The most that an answer has."""
    match breakdown:
        case None:
            return 1
        case ByCohort(cohorts=cohorts):
            return len(cohorts)
        case ByProperty(limit=limit):
            return limit
        case _:
            assert_never(breakdown)


def plan_previous(plan: FunnelPlan, query: FunnelsQuery, facts: PlanningFacts) -> FunnelPlan | None:
    """The plan to compare with; None when the query does not ask for it, or asks for all time.

    compare_to (-1w): that much earlier; else the period of equal length just before.
    """
    compare, dates = query.compareFilter, query.dateRange
    if compare is None or not compare.compare or (dates is not None and dates.date_from == "all"):
        return None
    if compare.compare_to:
        date_from, date_to = (
            shifted(at, compare.compare_to, facts.calendar) for at in (plan.date_from, plan.date_to)
        )
    else:
        date_from, date_to = just_before(plan.date_from, plan.date_to, facts.calendar)
    return msgspec.structs.replace(plan, date_from=date_from, date_to=date_to)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _view(query: FunnelsQuery) -> View:
    funnel = query.funnel
    from_step = _or(funnel.funnelFromStep, 0) + 1
    to_step = _or(funnel.funnelToStep, len(query.series) - 1) + 1
    match funnel.funnelVizType:
        case "trends":
            return TrendView(
                from_step=from_step,
                to_step=to_step,
                interval=interval_of(query),
                hide_incomplete=funnel.hideIncompleteConversionWindowPeriods or False,
            )
        case "time_to_convert":
            return TimesView(from_step=from_step, to_step=to_step, bins=funnel.binCount or None)
        case "steps" | "flow" | None:
            return StepsView()
        case _:
            assert_never(funnel.funnelVizType)


def interval_of(query: FunnelsQuery) -> Interval:
    """An answer names it, whatever the view. PostHog's funnels know nothing finer than the hour."""
    match query.interval:
        case "second" | "minute":
            return "hour"
        case None:
            return "day"
        case named:
            return named


def _window_seconds(query: FunnelsQuery) -> int:
    funnel = query.funnel
    sent = funnel.funnelWindowIntervalUnit or "day"
    unit = sent.lower().removesuffix("s")
    if unit not in _UNIT_SECONDS:
        raise invalid_input(None, f"{sent} not supported")
    interval = funnel.funnelWindowInterval or DEFAULT_WINDOW
    seconds = interval * _UNIT_SECONDS[unit]
    if not 0 < seconds <= _MAX_WINDOW_SECONDS:
        detail = "The conversion window must be a positive number, and at most 100 years."
        raise invalid_input("funnelsFilter__funnelWindowInterval", detail)
    return seconds


def _dates(query: FunnelsQuery, calendar: Calendar) -> tuple[datetime, datetime]:
    dates = query.dateRange or DateRange()
    return date_range(
        dates.date_from, dates.date_to, calendar, explicit=dates.explicitDate or False
    )


def _actor(query: FunnelsQuery) -> AnyActor:
    """A group wins over an expression."""
    index = query.aggregation_group_type_index
    if index is not None:
        return GroupActor(group_type(index, "aggregation_group_type_index"))
    expression = query.funnel.funnelAggregateByHogQL
    if not expression or expression.strip() == "person_id":
        return PersonActor()
    return ExpressionActor(checked_expression(expression, "funnelsFilter__funnelAggregateByHogQL"))
