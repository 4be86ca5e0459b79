"""Warnings that take a look at the project's data, for those who ask for warnings.

They stand beside the answer and are kept with none: whatever a look came to, it is looked at again.
"""

from collections.abc import Iterable

import msgspec

from services.common.clickhouse import EngineError
from services.common.logs import logger
from services.common.postgres.database import Pool
from services.common.tasks import describe
from services.query.events.actors import AnyActor, GroupActor
from services.query.results.computation import Check

log = logger("recount.insights")

NOT_LOOKED_AT = "The values of properties could not be looked at just now: ask again."


class Checks(msgspec.Struct, frozen=True):
    """Several, one after the other."""

    checks: tuple[Check, ...]

    async def run(self) -> tuple[str, ...]:
        """An engine that fails is logged, and the caller told that a look is missing: what it would
        have found is unknown, and no reason to withhold the numbers.
        """
        found: list[str] = []
        for check in self.checks:
            try:
                found += await check.run()
            except EngineError as failed:
                log.error("warnings_missed", cause=describe(failed))
                found.append(NOT_LOOKED_AT)
        return tuple(found)


class GroupTypeCheck(msgspec.Struct, frozen=True):
    """Looks whether the project has groups of the types that are counted.

    actors: whom a part of the query counts, by the name of the part.
    """

    pool: Pool
    team_id: int
    actors: tuple[tuple[str, AnyActor], ...]

    async def run(self) -> tuple[str, ...]:
        """A sentence for each part that counts groups of which there are none."""
        asked = [(part, of.index) for part, of in self.actors if isinstance(of, GroupActor)]
        known = await self._known() if asked else frozenset()
        return tuple(
            f"{part}: the project has no groups of type {index}, so none are counted."
            for part, index in asked
            if index not in known
        )

    async def _known(self) -> frozenset[int]:
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT group_type_index FROM group_types WHERE team_id = %s", (self.team_id,)
            )
            return frozenset(index for (index,) in await cursor.fetchall())


def of_series(actors: Iterable[tuple[int, AnyActor]]) -> tuple[tuple[str, AnyActor], ...]:
    """actors: by the place of the series."""
    return tuple((f"series[{place}]", actor) for place, actor in actors)
