"""Answers that are remembered for as long as the database says that nothing they show has moved.

All that a project shows of its insights follows from its log, its kept results and its live jobs.
STATE names one state of all that. The statement that reads an answer's rows names the state they
are in; the answer is given again while the project is in a state of the same name. So it is never
older than one read anew, at the price of a few look-ups in indexes, in one round trip that is
shared by all who ask at the same moment.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Generic, LiteralString, TypeVar

import msgspec

from contracts.read_models.projections import CATALOG, INSIGHTS, LAST_VIEWED
from services.common.accounts.accounts import MAX_AGE_SECONDS
from services.common.insights.caller_columns import EACH, ONE, CallerColumns
from services.common.postgres.database import Pool
from services.common.postgres.grouped import GroupedLookups
from services.query.reads.read_position import REACHED, FreshValue, projections, team_head

T = TypeVar("T")

MOST_BYTES = 64 * 1024 * 1024
MOST_PROJECTS = 10_000


# The project's last fact, once every projection is past it; rebuilds; results; live jobs. All that
# moves otherwise is a projection's position, of which no row depends.
def state(asking: CallerColumns) -> LiteralString:
    """SQL: null while a projection is behind."""
    head, team_id = team_head(asking), asking.team_id
    return f"""
    (SELECT CASE WHEN min(c.position) >= {head} THEN concat_ws(' ',
        {head}, sum(c.rebuilds),
        coalesce((SELECT m.moves FROM result_moves m WHERE m.team_id = {team_id}), 0),
        (SELECT string_agg(concat_ws(' ', j.id, j.pickup_time, j.expiration_time), ' ' ORDER BY id)
            FROM jobs j WHERE j.team_id = {team_id} AND j.end_time IS NULL)
    ) END FROM checkpoints c WHERE c.projection = ANY(%(projections)s))"""


STATE = state(ONE)

_EACH: LiteralString = f"""
    SELECT {REACHED}, {state(EACH)}
    FROM unnest(%(team_ids)s::bigint[]) WITH ORDINALITY AS asked (team_id, place)
    ORDER BY asked.place"""


class _RecentAnswer(msgspec.Struct, Generic[T], frozen=True):
    value: T
    state: str
    size: int
    made_at: float


class RecentAnswers(Generic[T]):
    """Values by their request. The least recently used go first when there are too many.

    None is older than `MAX_AGE_SECONDS`, since only the accounts' bell tells of a changed name:
    when that is lost, a name may be twice as old as in any other answer.
    """

    def __init__(self, pool: Pool, most_bytes: int = MOST_BYTES) -> None:
        self._pool = pool
        self._states = GroupedLookups(self._each)
        self._known: OrderedDict[Hashable, _RecentAnswer[T]] = OrderedDict()
        self._bytes = 0
        self._most_bytes = most_bytes
        self._newest: dict[int, str | None] = {}

    async def find(
        self, asked: Hashable, team_id: int, at_least: int | None
    ) -> FreshValue[T] | None:
        """The recent answer, if it would be given again; asks the database only if there is one.

        at_least: the position that the caller has seen.
        """
        known = self._known.get(asked)
        if known is None:
            return None
        if known.state != self._newest.get(team_id):
            # The project is known to have moved on: where it often does, nobody asks in vain.
            self._forget(asked)
            return None
        reached, state = await self._states.get(team_id)
        self._saw(team_id, state)
        if state != known.state or time.monotonic() - known.made_at > MAX_AGE_SECONDS:
            self._forget(asked)
            return None
        if at_least is not None and reached < at_least:
            return None
        if asked in self._known:
            self._known.move_to_end(asked)
        return FreshValue(known.value, reached, stale=False, state=state)

    def keep(self, asked: Hashable, team_id: int, fresh: FreshValue[T], size: int) -> None:
        """size: of the value, in bytes. Nothing is kept that was read while a projection was
        behind.
        """
        if fresh.state is None or size > self._most_bytes // 8:
            return
        self._saw(team_id, fresh.state)
        self._forget(asked)
        self._known[asked] = _RecentAnswer(fresh.value, fresh.state, size, time.monotonic())
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._known)))

    def _saw(self, team_id: int, state: str | None) -> None:
        if len(self._newest) >= MOST_PROJECTS:
            self._newest.clear()
        self._newest[team_id] = state

    def _forget(self, asked: Hashable) -> None:
        entry = self._known.pop(asked, None)
        if entry is not None:
            self._bytes -= entry.size

    async def _each(self, teams: Sequence[int]) -> Sequence[tuple[int, str | None]]:
        asked = list(dict.fromkeys(teams))
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _EACH,
                {"team_ids": asked, "projections": projections(INSIGHTS, LAST_VIEWED, CATALOG)},
            )
            found = dict(zip(asked, await cursor.fetchall(), strict=True))
        return [found[team] for team in teams]
