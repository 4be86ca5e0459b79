"""The rows of a lifecycle, by one statement."""

from contracts.api.trends import LifecycleRow
from services.common.clickhouse import ClickHouse
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.result import render, with_late
from services.query.insights.lifecycle.statement import compile_late, compile_lifecycle


async def compute(
    clickhouse: ClickHouse,
    plan: LifecyclePlan,
    *,
    has_overrides: bool,
    query_id: str | None = None,
    late: bool = False,
) -> list[LifecycleRow]:
    """Raises EngineError's kinds. late: whether points tell their late events."""
    statement = compile_lifecycle(plan, has_overrides=has_overrides)
    rows = [] if statement is None else await clickhouse.query(statement, query_id=query_id)
    counts = {status: [0] * len(plan.span.periods) for status in STATUSES}
    for status, period, actors in rows:
        counts[STATUSES[status]][period] = actors
    found = render(plan, counts)
    if not late:
        return found
    statement = compile_late(plan, has_overrides=has_overrides)
    rows = [] if statement is None else await clickhouse.query(statement, query_id=query_id)
    return with_late(plan, found, {(STATUSES[status], period): n for status, period, n in rows})
