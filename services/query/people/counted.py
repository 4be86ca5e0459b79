"""The actors behind a number that counts events, each with how many of them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from contracts.api.people import AnyActor as ShownActor
from contracts.queries.errors import invalid_input
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.postgres.database import Pool
from services.query.events.actors import AnyActor
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.people import records
from services.query.people.page import MOST_SORTED, ActorPage, ActorRow
from services.query.people.records import RecordOrder

Counted = tuple[str, int]
"""An actor's id as text, and how many events of the number are its."""


class Listing(Protocol):
    """The statement that lists them: `id`, `events`; by events descending, then id."""

    async def __call__(
        self, *, has_overrides: bool, limit: int, offset: int, query_id: str | None
    ) -> Statement | None:
        """None where no actor can be behind the number. query_id: of what it has to ask first."""


class Compiled(Protocol):
    """The same where nothing has to be asked first."""

    def __call__(self, *, has_overrides: bool, limit: int, offset: int) -> Statement | None: ...


class ListedAtOnce(msgspec.Struct, frozen=True):
    compiled: Compiled

    async def __call__(
        self, *, has_overrides: bool, limit: int, offset: int, query_id: str | None
    ) -> Statement | None:
        return self.compiled(has_overrides=has_overrides, limit=limit, offset=offset)


class CountedPeople(msgspec.Struct, frozen=True, kw_only=True):
    """facts: what the number was planned with. actor: whom it counts."""

    clickhouse: ClickHouse
    pool: Pool
    lookups: Lookups
    facts: PlanningFacts
    actor: AnyActor
    listing: Listing

    async def page(
        self, *, by: RecordOrder | None, limit: int, offset: int, query_id: str | None
    ) -> ActorPage:
        """by: None for the actor with most events first. Raises InvalidQuery; EngineError's
        kinds.
        """
        if by is None:
            return await self._shown(await self._listed(limit, offset, query_id))
        found = await self._listed(MOST_SORTED + 1, 0, query_id)
        if len(found) > MOST_SORTED:
            detail = f"No more than {MOST_SORTED} actors can be searched or ordered."
            raise invalid_input("query__orderBy", detail)
        return await self._shown((await self._sorted(found, by))[offset : offset + limit])

    async def _listed(self, limit: int, offset: int, query_id: str | None) -> list[Counted]:
        # Merges since the planning count, and lists of people may have changed.
        has_overrides = await self.lookups.ready(self.facts)
        statement = await self.listing(
            has_overrides=has_overrides, limit=limit, offset=offset, query_id=query_id
        )
        if statement is None:
            return []
        rows = await self.clickhouse.query(statement, query_id=query_id)
        return [(str(id_), int(events)) for id_, events in rows]

    async def _sorted(self, found: Sequence[Counted], by: RecordOrder) -> list[Counted]:
        """The actors that the search finds, in the order asked for. Among equally many events, by
        id.
        """
        events = dict(found)
        of_records = by
        if by.field == "event_count":
            of_records = RecordOrder(search=by.search)
        ids = await records.sorted_actors(
            self.pool, self.facts.team_id, self.actor, list(events), of_records
        )
        if by.field == "event_count":
            ids.sort(key=lambda id_: (-events[id_] if by.descending else events[id_], id_))
        return [(id_, events[id_]) for id_ in ids]

    async def _shown(self, found: Sequence[Counted]) -> ActorPage:
        ids = [id_ for id_, _ in found]
        team_id = self.facts.team_id
        bodies = await records.of_actors(self.pool, team_id, self.actor, ids) if ids else {}
        return ActorPage(
            [ActorRow(id_, _counted(bodies.get(id_), events), events) for id_, events in found]
        )


def _counted(body: ShownActor | None, events: int) -> ShownActor | None:
    return None if body is None else msgspec.structs.replace(body, value_at_data_point=events)
