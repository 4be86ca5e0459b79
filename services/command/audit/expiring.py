"""Reads that are older than they are kept: the fact says so, then they go, by whole seals.

Three steps, each repeated by whoever finds it undone: the plan (a row of read_expiries), the fact,
and the DELETE together with the fact's sequence.
"""

from collections.abc import Callable
from typing import LiteralString
from uuid import UUID, uuid5

import msgspec
from psycopg.rows import args_row

from contracts.events.audit import ReadsExpired
from services.command.audit.holds import holds_of
from services.command.audit.promised import PromisedFact, keep
from services.command.audit.sealing import AWAY
from services.common.log.store import EventStore
from services.common.postgres.database import Pool
from services.common.tasks import every

LOOK_SECONDS = 3600.0

_EXPIRIES = UUID("0d9f7a52-6d0c-5a44-9c1e-51b0a6e7d4b2")
_TEAMS: LiteralString = """
    SELECT team_id FROM read_expiries WHERE sequence IS NULL
    UNION SELECT team_id FROM read_seals
    WHERE to_at < now() - %(days)s * interval '1 day' ORDER BY team_id"""
_PENDING: LiteralString = """
    SELECT through, count FROM read_expiries
    WHERE team_id = %s AND sequence IS NULL ORDER BY through LIMIT 1"""
# Up to the first seal that is young yet. The last one stays: the numbers go on behind it.
_PLAN: LiteralString = """
    INSERT INTO read_expiries (team_id, through, count)
    SELECT %(team_id)s, due.through, (
        SELECT count(*) FROM reads WHERE team_id = %(team_id)s AND number <= due.through)
    FROM (
        SELECT max(last) AS through FROM read_seals
        WHERE team_id = %(team_id)s AND first < coalesce((
            SELECT min(first) FROM read_seals WHERE team_id = %(team_id)s
            AND (sequence IS NULL OR to_at >= now() - %(days)s * interval '1 day'
                OR last >= %(held)s)
        ), 9223372036854775807)
    ) AS due
    WHERE due.through > (
        SELECT coalesce(max(through), 0) FROM read_expiries WHERE team_id = %(team_id)s)
    ON CONFLICT DO NOTHING RETURNING through, count"""
# The first read that a hold keeps; what comes behind it stays, too.
_HELD: LiteralString = """
    SELECT min(number) FROM reads
    WHERE team_id = %(team_id)s AND number IS NOT NULL AND (
        %(whole)s OR user_id = ANY(%(users)s::bigint[]) OR insights && %(insights)s::bigint[]
        OR (what LIKE 'insight%%' AND items && %(insights)s::bigint[])
    )"""
_FOR_EVER = 2**63 - 1
_DELETE: tuple[LiteralString, ...] = (
    "DELETE FROM reads WHERE team_id = %(team_id)s AND number <= %(through)s",
    "DELETE FROM read_seals WHERE team_id = %(team_id)s AND last <= %(through)s",
    "UPDATE read_expiries SET sequence = %(sequence)s"
    " WHERE team_id = %(team_id)s AND through = %(through)s",
)


class _PlannedExpiry(msgspec.Struct, frozen=True):
    through: int
    count: int


class Expiring:
    """kept_days: how long a read is kept; 0: for ever.

    crash_at: told "planned", "expired" and "deleted" as each is reached, for crash tests.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        kept_days: int,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._kept_days = kept_days
        self._crash_at = crash_at

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away."""
        await every(LOOK_SECONDS, self.expire_all, away=AWAY, pause=10.0)

    async def expire_all(self) -> None:
        """Every read that is too old by now."""
        if not self._kept_days:
            return
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_TEAMS, {"days": self._kept_days})
            found = await cursor.fetchall()
        for (team_id,) in found:
            await self._expire(team_id)

    async def _expire(self, team_id: int) -> None:
        expiry = await self._pending(team_id) or await self._plan(team_id)
        if expiry is None:
            return
        self._crash_at("planned")
        fact = ReadsExpired(through=expiry.through, count=expiry.count)
        operation_id = uuid5(_EXPIRIES, f"{team_id}:{expiry.through}")
        sequence = await keep(self._store, self._pool, PromisedFact(team_id, operation_id, fact))
        self._crash_at("expired")
        values = {"team_id": team_id, "through": expiry.through, "sequence": sequence}
        async with self._pool.connection() as conn, conn.transaction():
            for statement in _DELETE:
                await conn.execute(statement, values)
        self._crash_at("deleted")

    async def _pending(self, team_id: int) -> _PlannedExpiry | None:
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(_PlannedExpiry))
            return await (await cursor.execute(_PENDING, (team_id,))).fetchone()

    async def _plan(self, team_id: int) -> _PlannedExpiry | None:
        holds = await holds_of(self._store, self._pool, team_id)
        standing = [hold for hold in holds if hold.lifted_at is None]
        held = {
            "team_id": team_id,
            "whole": any(hold.whole_project for hold in standing),
            "users": [user for hold in standing for user in hold.users],
            "insights": [number for hold in standing for number in hold.insights],
        }
        async with self._pool.connection() as conn:
            (first,) = await (await conn.execute(_HELD, held)).fetchone() or (None,)
            cursor = conn.cursor(row_factory=args_row(_PlannedExpiry))
            values = {"team_id": team_id, "days": self._kept_days, "held": first or _FOR_EVER}
            await cursor.execute(_PLAN, values)
            return await cursor.fetchone()
