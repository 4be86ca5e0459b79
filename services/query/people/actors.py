"""A page of the actors behind a number: computed like the number, then shown by their records."""

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from contracts.api.people import AnyActor, MatchedEvent, ValueActor
from services.common.clickhouse import ClickHouse
from services.common.database import Pool
from services.query.funnels import plan as plans
from services.query.funnels.people import people
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.selection import SelectedActor, Selection
from services.query.people import records
from services.query.planner import Planned


class Page(msgspec.Struct, frozen=True):
    """ids: of all actors on it, in order. known: by id, those that there is a record of."""

    ids: Sequence[str]
    known: Mapping[str, AnyActor]

    @property
    def actors(self) -> list[AnyActor]:
        """Those with a record, in order."""
        return [self.known[id_] for id_ in self.ids if id_ in self.known]

    @property
    def missing(self) -> int:
        return len(self.ids) - len(self.known)


class Actors:
    def __init__(self, clickhouse: ClickHouse, pool: Pool) -> None:
        self._clickhouse = clickhouse
        self._pool = pool

    async def page(
        self,
        planned: Planned,
        selection: Selection,
        *,
        limit: int,
        offset: int,
        query_id: str | None = None,
    ) -> Page:
        """By actor id. Raises EngineError's kinds."""
        found = await people(
            self._clickhouse,
            planned.plan,
            selection,
            has_overrides=planned.has_overrides,
            limit=limit,
            offset=offset,
            query_id=query_id,
        )
        return await self.shown(planned.plan, found)

    async def shown(self, plan: FunnelPlan, found: Sequence[SelectedActor]) -> Page:
        """In the order given."""
        ids = [one.id for one in found]
        bodies = await self._bodies(plan, ids) if ids else {}
        known = {
            one.id: msgspec.structs.replace(bodies[one.id], matched_events=_matched(one))
            for one in found
            if one.id in bodies
        }
        return Page(ids, known)

    async def _bodies(self, plan: FunnelPlan, ids: Sequence[str]) -> dict[str, AnyActor]:
        match plan.actor:
            case plans.PersonActor():
                return {**await records.persons(self._pool, plan.team_id, ids)}
            case plans.GroupActor(index=index):
                return {**await records.groups(self._pool, plan.team_id, index, ids)}
            case plans.ExpressionActor():
                return {id_: ValueActor(id=id_, name=id_) for id_ in ids}
            case _:
                assert_never(plan.actor)


def _matched(actor: SelectedActor) -> list[MatchedEvent]:
    return [
        MatchedEvent(event.step, event.uuid, event.event, event.at)
        for event in actor.matched_events
    ]
