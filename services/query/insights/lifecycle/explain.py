"""A number of a lifecycle, event by event."""

from datetime import datetime
from functools import partial
from typing import Any

from contracts.api.explain_point import Reason
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.lifecycle import LifecycleQuery
from contracts.times import MICROSECOND, microseconds
from services.common.accounts.accounts import Project
from services.query.events.conditions import AnyCondition
from services.query.events.periods import Period
from services.query.events.series import test_account_filters
from services.query.events.zones import in_zone
from services.query.insights.computed import Tools
from services.query.insights.explained import (
    Looked,
    PreparedExplanation,
    actor_tests,
    candidates,
    filter_tests,
    late_column,
)
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.planning import HAS_PROFILE
from services.query.insights.lifecycle.pointing import Pointed, pointed
from services.query.insights.lifecycle.statement import DORMANT, explained_events
from services.query.insights.lifecycle.work import planned

_NONE = len(STATUSES)


async def explain(
    tools: Tools, project: Project, query: InsightActorsQuery | StickinessActorsQuery
) -> PreparedExplanation:
    """Raises InvalidQuery for a number that the answer does not have."""
    assert isinstance(query, InsightActorsQuery)
    source = query.source
    assert isinstance(source, LifecycleQuery)
    plan, facts = await planned(tools.lookups, project, source)
    accounts = test_account_filters(source.filterTestAccounts, in_zone(facts, source.dateRange))
    return PreparedExplanation(facts, partial(look, plan, pointed(plan, query), accounts))


async def look(
    plan: LifecyclePlan, pointed: Pointed, accounts: AnyCondition, *, has_overrides: bool
) -> Looked | None:
    """accounts: of the plan's filters those that leave test accounts out.

    Looked at are the events of the period, and for those who are dormant in it of the one before.
    """
    shown = [index for index in plan.span.shown if pointed.point in (None, index)]
    entity = plan.entity
    if entity is None or plan.before is None or not shown:
        return None
    tests = filter_tests(entity, plan.filters, accounts, {HAS_PROFILE: "no_profile"})
    found = explained_events(
        plan,
        pointed,
        _time(plan, plan.before, pointed),
        lambda source, index: candidates(
            source, entity, plan.actor, tests, plan.sample, {"i": index}
        ),
        has_overrides=has_overrides,
    )
    has_end = pointed.point is not None and pointed.status != "dormant"
    end = plan.span.periods[pointed.point].end if pointed.point is not None and has_end else None
    late = late_column(found.bindings, None if end is None else microseconds(end))
    return Looked(
        text=f"SELECT *, {late} AS late FROM ({found.text})",
        bindings=found.bindings,
        tests=[*tests, *actor_tests(plan.sample)],
        why=partial(_why, pointed),
        has_end=end is not None,
    )


def _time(plan: LifecyclePlan, before: Period, pointed: Pointed) -> tuple[datetime, datetime]:
    periods = (before, *plan.span.periods)
    # The index in these of the period that is pointed at is one more.
    at = pointed.point
    first, last = (0, len(periods) - 1) if at is None else (at, at + 1)
    if pointed.status == "dormant":
        last -= 1
    elif pointed.status is not None:
        first += 1
    return periods[first].start, periods[last].end - MICROSECOND


def _why(pointed: Pointed, note: Any) -> tuple[Reason, str]:
    """note: the status of its actor in its period; _NONE: in none that is asked about."""
    status = int(note)
    if pointed.status == STATUSES[DORMANT]:
        return "other_status", "Its actor is active in the period after it, too."
    told = "in no period of the range" if status == _NONE else f"{STATUSES[status]} in its period"
    return "other_status", f"Its actor is {told}."
