"""A number of stickiness, event by event."""

from functools import partial
from typing import Any

from contracts.api.explain_point import Reason
from contracts.queries.insight_actors import InsightActorsQuery, StickinessActorsQuery
from contracts.queries.stickiness import StickinessQuery
from services.common.accounts.accounts import Project
from services.common.clickhouse.statement import Bindings
from services.query.events.conditions import AnyCondition
from services.query.events.series import test_account_filters
from services.query.events.zones import in_zone
from services.query.insights.computed import Tools
from services.query.insights.explained import (
    Looked,
    PreparedExplanation,
    actor_tests,
    candidates,
    filter_tests,
)
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.stickiness.pointing import Pointed, intervals_of_side, pointed
from services.query.insights.stickiness.statement import enough, interval_index, sign, source_of
from services.query.insights.stickiness.work import planned


async def explain(
    tools: Tools, project: Project, query: InsightActorsQuery | StickinessActorsQuery
) -> PreparedExplanation:
    """Raises InvalidQuery for a number that the answer does not have."""
    source = query.source
    assert isinstance(source, StickinessQuery)
    plan, facts = await planned(tools.lookups, project, source)
    accounts = test_account_filters(source.filterTestAccounts, in_zone(facts, source.dateRange))
    return PreparedExplanation(facts, partial(look, plan, pointed(plan, query), accounts))


async def look(
    plan: StickinessPlan, pointed: Pointed, accounts: AnyCondition, *, has_overrides: bool
) -> Looked | None:
    """accounts: of the plan's filters those that leave test accounts out."""
    intervals = intervals_of_side(plan, pointed.side)
    series = pointed.series
    if series is None or not intervals.intervals:
        return None
    bindings = Bindings()
    source = source_of(plan, intervals.span, bindings, has_overrides=has_overrides)
    tests = filter_tests(series.entity, plan.filters, accounts)
    index = {"i": interval_index(source, intervals)}
    events = candidates(source, series.entity, series.actor, tests, plan.sample, index)
    is_enough = enough(plan.criteria, bindings)
    in_cells = f"SELECT *, countIf(failed = 0) OVER (PARTITION BY actor, i) AS c FROM ({events})"
    of_actors = (
        f"SELECT *, {is_enough} AS has_enough, length(groupUniqArrayIf(i, failed = 0 AND"
        f" {is_enough}) OVER (PARTITION BY actor)) AS number FROM ({in_cells})"
    )
    meant = "1"
    if pointed.intervals is not None:
        wanted = bindings.bind(pointed.intervals, "UInt64")
        meant = f"number {sign(pointed.operator)} {wanted}"
    return Looked(
        text=(
            f"SELECT *, failed = 0 AND has_enough AND {meant} AS counts, 0 AS late,"
            f" toJSONString(tuple(has_enough, c, number)) AS note FROM ({of_actors})"
        ),
        bindings=bindings,
        tests=[*tests, *actor_tests(plan.sample)],
        why=_why,
        has_end=False,
    )


def _why(note: Any) -> tuple[Reason, str]:
    """note: whether its actor has enough events in its interval, how many, in how many it has."""
    has_enough, events, number = (int(one) for one in note)
    if not has_enough:
        return "too_few", f"In its interval its actor has {_several(events, 'event')}."
    return "other_number", f"Its actor is active in {_several(number, 'interval')}."


def _several(number: int, of: str) -> str:
    return f"{number} {of}{'' if number == 1 else 's'}"
