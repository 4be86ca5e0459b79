"""What the auditor and others have written down of a chain. Nothing is counted here."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import args_row, dict_row

from services.common.postgres.database import Pool

_FOUND: LiteralString = """
    SELECT state.facts_per_second, state.broken, state.broken_team,
        head.seq AS sequence, last.notification_id AS position, head.hash, head.recorded_at AS at,
        audit.proved_through, audit.proved_at, audit.entries, audit.operations, audit.missing,
        audit.found, audit.healed, audit.erased, audit.holds,
        audit.reads_through, audit.reads_broken,
        tree.size, tree.root, tree.at AS signed_at, tree.witnesses,
        greatest(
            (SELECT max(last) FROM read_seals WHERE team_id = %(team_id)s),
            (SELECT max(through) FROM read_expiries WHERE team_id = %(team_id)s)
        ) AS last_number,
        greatest(
            (
                SELECT last FROM read_seals WHERE team_id = %(team_id)s AND sequence IS NOT NULL
                ORDER BY last DESC LIMIT 1
            ),
            (SELECT max(through) FROM read_expiries WHERE team_id = %(team_id)s)
        ) AS sealed_through,
        (
            SELECT CASE WHEN count(*) = count(proved_at) THEN min(proved_at) END FROM audit_shares
        ) AS oldest_proof
    FROM audit_state AS state
    LEFT JOIN log_heads AS head ON head.team_id = %(team_id)s
    LEFT JOIN log AS last ON last.team_id = head.team_id AND last.team_seq = head.seq
    LEFT JOIN audit_projects AS audit ON audit.team_id = %(team_id)s
    LEFT JOIN LATERAL (
        SELECT size, root, at, witnesses FROM signed_checkpoints
        WHERE team_id = %(team_id)s ORDER BY size DESC LIMIT 1
    ) AS tree ON true"""

# There is one; another one that was left behind is no longer seen.
_STREAM: LiteralString = """
    SELECT first, published, holes, swept, swept_at FROM bus_streams
    ORDER BY seen_at DESC LIMIT 1"""

# A process that lives says so more often.
_RUNS: LiteralString = """
    SELECT run, started_at, seen_at, taken_over_at FROM read_runs
    WHERE ended_at IS NULL AND (taken_over_at IS NOT NULL OR seen_at < now() - interval '5 minutes')
    ORDER BY started_at DESC LIMIT 100"""


class StreamFound(msgspec.Struct, frozen=True):
    first: int
    last: int
    holes: int
    swept_through: int
    swept_at: datetime | None


class RunFound(msgspec.Struct, frozen=True):
    run: UUID
    started_at: datetime
    seen_at: datetime
    taken_over_at: datetime | None


class CompletenessFound(msgspec.Struct, frozen=True):
    """chain: the columns of the one row about it. None there: the part was not there yet."""

    chain: dict[str, Any]
    stream: StreamFound | None
    runs: tuple[RunFound, ...]


class CompletenessReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, team_id: int) -> CompletenessFound:
        """team_id: of a project, or minus the number of an organization."""
        async with self._pool.connection() as conn, conn.transaction():
            rows = conn.cursor(row_factory=dict_row)
            await rows.execute(_FOUND, {"team_id": team_id})
            chain = await rows.fetchone()
            if chain is None:
                raise LookupError("the auditor has no state")
            streams = conn.cursor(row_factory=args_row(StreamFound))
            await streams.execute(_STREAM)
            stream = await streams.fetchone()
            runs = conn.cursor(row_factory=args_row(RunFound))
            await runs.execute(_RUNS)
            return CompletenessFound(chain, stream, tuple(await runs.fetchall()))
