"""The quick forms alone first, and others when that does not suffice.

A statement of all forms reads the events three times, for a few actors that most funnels do not
have. So it runs only when the engine aborted the quick one, at the first actor that needs another
form. In the same way, folds over events abort at the first actor that has very many (busy.py).
"""

from asyncio import to_thread
from collections.abc import Callable
from contextlib import suppress

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.engine import Row
from services.common.clickhouse.errors import QueryStopped
from services.common.clickhouse.statement import Statement
from services.query.insights.funnels.busy import by_reference, folding
from services.query.insights.funnels.plan import FunnelPlan, TrendView
from services.query.insights.funnels.statement.actors import EVERY_FORM, Forms
from services.query.insights.funnels.statement.paths import some_by_uuid, some_by_walk


async def quick_first(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    compiled: Callable[[Forms], Statement],
    *,
    has_overrides: bool,
    previous: FunnelPlan | None = None,
    query_id: str | None = None,
) -> list[Row]:
    """The rows of the plan's statement. Raises EngineError's kinds.

    compiled: the statement, in a thread, as it may make many periods. previous: the second plan
    that it is made of. query_id: of all statements, one after the other.
    """

    async def asked(forms: Forms) -> list[Row]:
        return await clickhouse.query(await to_thread(compiled, forms), query_id=query_id)

    if folding(plan):
        with suppress(QueryStopped):
            return await asked(Forms(not_busy=True))
        plans = [plan] if previous is None else [plan, previous]
        rows = [
            await by_reference(clickhouse, each, has_overrides=has_overrides, query_id=query_id)
            for each in plans
        ]
        return await asked(Forms(by_reference=tuple(rows)))
    if not isinstance(plan.view, TrendView) and some_by_uuid(plan) and not some_by_walk(plan):
        with suppress(QueryStopped):
            return await asked(Forms(quick_only=True))
    return await asked(EVERY_FORM)
