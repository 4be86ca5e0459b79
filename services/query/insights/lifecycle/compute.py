"""The rows of a lifecycle, by one statement."""

from contracts.api.trends import LifecycleRow
from services.common.clickhouse import ClickHouse
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan
from services.query.insights.lifecycle.result import render
from services.query.insights.lifecycle.statement import compile_lifecycle


async def compute(
    clickhouse: ClickHouse,
    plan: LifecyclePlan,
    *,
    has_overrides: bool,
    query_id: str | None = None,
) -> list[LifecycleRow]:
    """Raises EngineError's kinds."""
    statement = compile_lifecycle(plan, has_overrides=has_overrides)
    rows = [] if statement is None else await clickhouse.query(statement, query_id=query_id)
    counts = {status: [0] * len(plan.span.periods) for status in STATUSES}
    for status, period, actors in rows:
        counts[STATUSES[status]][period] = actors
    return render(plan, counts)
