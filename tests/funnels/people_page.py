"""The people behind a number, without what PostgreSQL knows of them."""

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.people.matched import with_events
from services.query.insights.funnels.people.selection import SelectedActor, Selection
from services.query.insights.funnels.people.statement import compile_actors, pointed_plan
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.quick import quick_first


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
