"""A page of the people in a cohort, as they are when it is asked for."""

from collections.abc import Sequence

import msgspec

from contracts.api.people import PersonActor
from services.common.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.database import Pool
from services.common.statement import Bindings, Statement
from services.query import memberships
from services.query.people import records
from services.query.planner import PlannedCohort, Planner
from services.query.source import Source


class CohortPage(msgspec.Struct, frozen=True):
    """more: whether somebody comes after these."""

    people: Sequence[PersonActor]
    more: bool


class CohortPeople:
    def __init__(self, clickhouse: ClickHouse, pool: Pool, planner: Planner) -> None:
        self._clickhouse = clickhouse
        self._pool = pool
        self._planner = planner

    async def page(
        self, project: Project, number: int, *, limit: int, offset: int
    ) -> CohortPage | None:
        """Those with a record, the newest first; None when there is no such cohort.

        Raises InvalidQuery for a cohort that can't be computed; EngineError's kinds.
        """
        planned = await self._planner.cohort(project, number)
        if planned is None:
            return None
        statement = _listing(planned, project.timezone, limit=limit + 1, offset=offset)
        ids = [str(person_id) for (person_id,) in await self._clickhouse.query(statement)]
        found = await records.persons(self._pool, project.id, ids[:limit])
        return CohortPage([found[id_] for id_ in ids[:limit] if id_ in found], len(ids) > limit)


def _listing(planned: PlannedCohort, timezone: str, *, limit: int, offset: int) -> Statement:
    bindings = Bindings()
    source = Source(
        planned.team_id,
        bindings,
        has_overrides=planned.has_overrides,
        timezone=timezone,
        cohorts=planned.conditions,
    )
    text = (
        f"SELECT t.person_id {memberships.members(source, planned.number)} "
        "ORDER BY t.created_at DESC, t.person_id "
        f"LIMIT {bindings.bind(limit, 'UInt64')} OFFSET {bindings.bind(offset, 'UInt64')}"
    )
    return Statement(text, bindings.values)
