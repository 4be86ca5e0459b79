"""Looks up what planning a query must know about its project, no more than the query needs."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from contracts.queries.nodes import DateRange
from services.common.accounts.accounts import Project
from services.common.clickhouse import Shards
from services.common.clickhouse.statement import Statement
from services.common.postgres.database import Pool
from services.query.events.cohort_copies import CohortCopies
from services.query.events.cohorts import plan_cohorts
from services.query.events.conditions import AnyCondition
from services.query.events.facts import PlanningFacts
from services.query.events.named import Catalog, catalog

_FIRST_EVENT = "SELECT minOrNull(timestamp) FROM events WHERE team_id = {team_id:Int64}"
_HAS_OVERRIDES = "SELECT EXISTS (SELECT FROM person_overrides WHERE team_id = %s)"


class PlannedCohort(msgspec.Struct, frozen=True):
    """conditions: of the dynamic cohorts among this one and those that it is made of."""

    team_id: int
    number: int
    conditions: Mapping[int, AnyCondition]
    has_overrides: bool


class Lookups:
    def __init__(self, shards: Shards, pool: Pool) -> None:
        self._shards = shards
        self._pool = pool
        self._copies = CohortCopies(shards, pool)

    async def facts(
        self, project: Project, query: object, dates: DateRange | None
    ) -> PlanningFacts:
        """The facts that planning a query needs. Raises InvalidQuery.

        query: a node, whose actions and cohorts are looked up. dates: its range; the engine is
        asked only when the range is all time.
        """
        named = await catalog(self._pool, project.id, query, project.test_account_filters)
        return _facts(project, named, await self._first_event_at(project.id, dates))

    async def ready(self, facts: PlanningFacts) -> bool:
        """The lists of people that a plan names are where the engine finds them, from now on.

        Whether the project has merged persons.
        """
        await self._copies.bring(facts.team_id, facts.cohort_versions)
        return await self._has_overrides(facts.team_id)

    async def cohort(self, project: Project, number: int) -> PlannedCohort | None:
        """The cohort's conditions, its lists ready in the engine. None: no such cohort. Raises
        InvalidQuery.
        """
        named = await catalog(self._pool, project.id, {"type": "cohort", "value": number})
        if number not in named.cohorts:
            return None
        facts = _facts(project, named, first_event_at=None)
        conditions = dict(plan_cohorts(facts))
        return PlannedCohort(project.id, number, conditions, await self.ready(facts))

    async def _first_event_at(self, team_id: int, dates: DateRange | None) -> datetime | None:
        """Asked only when `all` needs it."""
        if dates is None or dates.date_from != "all":
            return None
        clickhouse = await self._shards.of(team_id)
        rows = await clickhouse.query(Statement(_FIRST_EVENT, {"team_id": team_id}))
        first: datetime | None = rows[0][0]
        return first

    async def _has_overrides(self, team_id: int) -> bool:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_HAS_OVERRIDES, (team_id,))
            row = await cursor.fetchone()
        return row is not None and bool(row[0])


def _facts(project: Project, named: Catalog, first_event_at: datetime | None) -> PlanningFacts:
    return PlanningFacts(
        team_id=project.id,
        now=datetime.now(UTC),
        timezone=project.timezone,
        week_starts_monday=project.week_start_day == 1,
        test_account_filters=project.test_account_filters,
        actions=named.actions,
        cohorts=named.cohorts,
        definitions=named.definitions,
        cohort_versions=named.versions,
        first_event_at=first_event_at,
    )
