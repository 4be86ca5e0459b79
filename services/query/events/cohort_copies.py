"""The people of static cohorts, copied into ClickHouse before a query that names them runs.

Their truth is PostgreSQL's cohort_members. The first query that needs a list copies it, once per
version: so a query sees the list as it was when it was planned, no projection has to be
waited for, and a list that nobody queries is never copied. Repeating a copy changes nothing.
"""

from collections.abc import Mapping
from uuid import UUID

from services.common.clickhouse import Shards
from services.common.clickhouse.statement import Statement
from services.common.postgres.database import Pool

NOBODY = UUID(int=0)
"""A row of nobody says which version of the list is whole: it is written last."""

_WHOLE = """
    SELECT cohort_id, max(version) FROM cohort_people
    WHERE team_id = {team_id:Int64} AND cohort_id IN {cohorts:Array(Int64)}
        AND person_id = {nobody:UUID}
    GROUP BY cohort_id"""

_MEMBERS = "SELECT person_id FROM cohort_members WHERE team_id = %s AND cohort_id = %s"


class CohortCopies:
    def __init__(self, shards: Shards, pool: Pool) -> None:
        self._shards = shards
        self._pool = pool
        self._whole: dict[tuple[int, int], int] = {}

    async def bring(self, team_id: int, versions: Mapping[int, int]) -> None:
        """ClickHouse holds these cohorts of the project at these versions, or newer ones."""
        if self._behind(team_id, versions):
            await self._look(team_id, versions)
        for cohort_id in self._behind(team_id, versions):
            await self._copy(team_id, cohort_id, versions[cohort_id])

    def _behind(self, team_id: int, versions: Mapping[int, int]) -> list[int]:
        return [
            cohort_id
            for cohort_id, version in versions.items()
            if self._whole.get((team_id, cohort_id), 0) < version
        ]

    async def _look(self, team_id: int, versions: Mapping[int, int]) -> None:
        """Another process may have copied them."""
        clickhouse = await self._shards.of(team_id)
        rows = await clickhouse.query(
            Statement(_WHOLE, {"team_id": team_id, "cohorts": list(versions), "nobody": NOBODY})
        )
        for cohort_id, version in rows:
            self._whole[team_id, cohort_id] = version

    async def _copy(self, team_id: int, cohort_id: int, version: int) -> None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_MEMBERS, (team_id, cohort_id))
            members = [person_id for (person_id,) in await cursor.fetchall()]
        clickhouse = await self._shards.of(team_id)
        for people, member in ((members, True), ([NOBODY], False)):
            if people:
                await clickhouse.insert(
                    "cohort_people",
                    {
                        "team_id": [team_id] * len(people),
                        "cohort_id": [cohort_id] * len(people),
                        "person_id": people,
                        "version": [version] * len(people),
                        "member": [member] * len(people),
                    },
                )
        self._whole[team_id, cohort_id] = version
