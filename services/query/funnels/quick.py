"""The quick forms alone first, and all forms together when that does not suffice.

A statement of all forms reads the events three times, for a few actors that most funnels do not
have. So it is asked only when the quick one was stopped: by the first actor it cannot tell.
"""

from asyncio import to_thread
from collections.abc import Callable
from contextlib import suppress

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.engine import Row
from services.common.clickhouse.errors import QueryStopped
from services.common.statement import Statement
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_paths import some_by_uuid, some_by_walk


async def quick_first(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    compiled: Callable[[bool], Statement],
    *,
    query_id: str | None = None,
) -> list[Row]:
    """The rows of the plan's statement. Raises EngineError's kinds.

    compiled: the statement, by the quick forms alone if so asked (`Actors.quick_only`); in a
    thread, as it may make many periods. query_id: of both, one after the other.
    """
    if plan.viz != "trends" and some_by_uuid(plan) and not some_by_walk(plan):
        with suppress(QueryStopped):
            return await clickhouse.query(await to_thread(compiled, True), query_id=query_id)
    return await clickhouse.query(await to_thread(compiled, False), query_id=query_id)
