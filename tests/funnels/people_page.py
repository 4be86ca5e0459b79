"""The people behind a number, without what PostgreSQL knows of them."""

from services.common.clickhouse import ClickHouse
from services.query.funnels.people import with_events
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.quick import quick_first
from services.query.funnels.selection import SelectedActor, Selection
from services.query.funnels.sql_people import compile_actors, pointed_plan


async def people(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    selection: Selection,
    *,
    has_overrides: bool,
    limit: int,
    offset: int = 0,
) -> list[SelectedActor]:
    """A page of the actors behind the number, by id, each with the events of its reported attempt.

    Trends count entries, not attempts: their actors come without events.
    """
    rows = await quick_first(
        clickhouse,
        pointed_plan(plan, selection),
        lambda forms: compile_actors(
            plan,
            selection,
            has_overrides=has_overrides,
            limit=limit,
            offset=offset,
            forms=forms,
        ),
        has_overrides=has_overrides,
    )
    return await with_events(clickhouse, plan, selection, rows, has_overrides=has_overrides)
