"""A page of the people in a cohort at the time of the request."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.api.people import PersonActor
from services.common.accounts.accounts import Project
from services.common.clickhouse import Shards
from services.common.clickhouse.statement import Bindings, Statement
from services.common.postgres.database import Pool
from services.query.events import memberships
from services.query.events.lookups import Lookups, PlannedCohort
from services.query.events.source import Source
from services.query.people import records
from services.query.reads.listing import Moment, PageRequest


class PersonEnd(msgspec.Struct, frozen=True, array_like=True):
    """The values that the people of a cohort are ordered by."""

    created_at: Moment
    person_id: UUID


class CohortMembers(msgspec.Struct, frozen=True):
    """more: whether people come after these. end: of the last of these."""

    people: Sequence[PersonActor]
    more: bool
    end: PersonEnd | None


class CohortPeople:
    def __init__(self, shards: Shards, pool: Pool, lookups: Lookups) -> None:
        self._shards = shards
        self._pool = pool
        self._lookups = lookups

    async def page(
        self, project: Project, number: int, page: PageRequest[PersonEnd]
    ) -> CohortMembers | None:
        """The people with a record, the newest first; None when there is no such cohort.

        Raises InvalidQuery for a cohort that can't be computed; EngineError's kinds.
        """
        planned = await self._lookups.cohort(project, number)
        if planned is None:
            return None
        clickhouse = await self._shards.of(project.id)
        rows = await clickhouse.query(_listing(planned, project.timezone, page))
        shown = rows[: page.limit]
        ids = [str(person_id) for person_id, _ in shown]
        found = await records.persons(self._pool, project.id, ids)
        people = [found[id_] for id_ in ids if id_ in found]
        end = PersonEnd(shown[-1][1], shown[-1][0]) if shown else None
        return CohortMembers(people, len(rows) > page.limit, end)


def _listing(planned: PlannedCohort, timezone: str, page: PageRequest[PersonEnd]) -> Statement:
    bindings = Bindings()
    source = Source(
        planned.team_id,
        bindings,
        has_overrides=planned.has_overrides,
        timezone=timezone,
        cohorts=planned.conditions,
    )
    beyond = ""
    if page.after is not None:
        at = source.instant(page.after.created_at)
        person = f"toUUID({bindings.bind(str(page.after.person_id), 'String')})"
        beyond = f"AND (t.created_at < {at} OR t.created_at = {at} AND t.person_id > {person}) "
    limit = bindings.bind(page.looked_for, "UInt64")
    text = (
        f"SELECT t.person_id, t.created_at {memberships.members(source, planned.number)} {beyond}"
        "ORDER BY t.created_at DESC, t.person_id "
        f"LIMIT {limit} OFFSET {bindings.bind(page.skipped, 'UInt64')}"
    )
    return Statement(text, bindings.values)
