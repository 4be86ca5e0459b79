"""A page of the actors behind a number: computed like the number, then shown by their records."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from contracts.api.people import AnyActor, MatchedEvent
from contracts.api.times import written
from contracts.queries.errors import invalid_input
from services.common.clickhouse import Shards
from services.common.postgres.database import Pool
from services.query.insights.funnels.correlation.statement import (
    CorrelationSelection,
    compile_correlated,
    plain,
)
from services.query.insights.funnels.people.matched import with_events
from services.query.insights.funnels.people.selection import AtStep, SelectedActor, Selection
from services.query.insights.funnels.people.statement import compile_actors, pointed_plan
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.planner import RunnablePlan
from services.query.insights.funnels.quick import quick_first
from services.query.people import records
from services.query.people.page import MOST_SORTED, ActorPage, ActorRow
from services.query.people.records import RecordOrder

Pointed = Selection | CorrelationSelection
"""A number of a funnel's answer, or of a correlation's."""


class ActorPages:
    def __init__(self, shards: Shards, pool: Pool) -> None:
        self._shards = shards
        self._pool = pool

    async def page(
        self,
        planned: RunnablePlan,
        pointed: Pointed,
        *,
        limit: int,
        offset: int,
        query_id: str | None = None,
    ) -> ActorPage:
        """By actor id. Raises EngineError's kinds."""
        rows = await self._listed(planned, pointed, limit=limit, offset=offset, query_id=query_id)
        return await self._shown(planned, pointed, rows)

    async def sorted_page(
        self,
        planned: RunnablePlan,
        pointed: Pointed,
        by: RecordOrder,
        *,
        limit: int,
        offset: int,
        query_id: str | None = None,
    ) -> ActorPage:
        """By what their records say. Raises InvalidQuery for too many; EngineError's kinds."""
        rows = await self._listed(planned, pointed, limit=MOST_SORTED + 1, query_id=query_id)
        if len(rows) > MOST_SORTED:
            detail = f"No more than {MOST_SORTED} actors can be searched or ordered."
            raise invalid_input("query__orderBy", detail)
        ids = list(dict.fromkeys(row[0] for row in rows))
        plan = planned.plan
        found = await records.sorted_actors(self._pool, plan.team_id, plan.actor, ids, by)
        ranks = {id_: rank for rank, id_ in enumerate(found)}
        kept = sorted((row for row in rows if row[0] in ranks), key=lambda row: ranks[row[0]])
        return await self._shown(planned, pointed, kept[offset : offset + limit])

    async def one(self, plan: FunnelPlan, id_: str) -> AnyActor | None:
        """An actor's record, without events."""
        return (await records.of_actors(self._pool, plan.team_id, plan.actor, [id_])).get(id_)

    async def _listed(
        self,
        planned: RunnablePlan,
        pointed: Pointed,
        *,
        limit: int,
        offset: int = 0,
        query_id: str | None,
    ) -> Sequence[Sequence[Any]]:
        """Ids, ascending, and by what they are shown."""
        plan = planned.plan
        if isinstance(pointed, CorrelationSelection):
            seen, listing = plain(plan), partial(compile_correlated, plan, pointed)
        else:
            seen = pointed_plan(plan, pointed)
            listing = partial(compile_actors, plan, pointed)
        return await quick_first(
            await self._shards.of(plan.team_id),
            seen,
            lambda forms: listing(
                has_overrides=planned.has_overrides, limit=limit, offset=offset, forms=forms
            ),
            has_overrides=planned.has_overrides,
            query_id=query_id,
        )

    async def _shown(
        self, planned: RunnablePlan, pointed: Pointed, rows: Sequence[Sequence[Any]]
    ) -> ActorPage:
        """rows: of the listing, in the order in which they are shown."""
        plan, selection = planned.plan, pointed
        if isinstance(selection, CorrelationSelection):
            plan, selection = plain(plan), AtStep(step=1)
        found = await with_events(
            await self._shards.of(plan.team_id),
            plan,
            selection,
            rows,
            has_overrides=planned.has_overrides,
        )
        ids = list(dict.fromkeys(one.id for one in found))
        bodies = {}
        if ids:
            bodies = await records.of_actors(self._pool, plan.team_id, plan.actor, ids)
        return ActorPage([ActorRow(one.id, _with_events(bodies.get(one.id), one)) for one in found])


def _with_events(body: AnyActor | None, actor: SelectedActor) -> AnyActor | None:
    if body is None:
        return None
    events = [
        MatchedEvent(event.step, event.uuid, event.event, written(event.at))
        for event in actor.matched_events
    ]
    return msgspec.structs.replace(body, matched_events=events)
