"""The tables of the trail, as this service writes them: read_runs, and rows of reads.

A row that comes twice, because its process died between the INSERT and the cut, is there once.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import LiteralString
from uuid import UUID

from contracts.reads import SALT_BYTES
from services.common.postgres.database import Pool
from services.query.reads_trail.lines import SpooledRead

BATCH = 500

# The lines as they stand in the spool, in one document that PostgreSQL takes apart and commits to:
# psycopg took longer over arrays of 22 columns. JSON that is not jsonb keeps the canonical bytes.
_INSERT: LiteralString = """
    INSERT INTO reads (
        run, n, team_id, at, actor, user_id, key_id, token_id, unlocked, surface, what, items,
        insights, as_of, refresh, status, from_cache, bytes, ip, client, correlation_id, salt,
        commitment)
    SELECT %(run)s, sent.n, sent.team_id, r.at, r.actor->>'type', (r.actor->>'user_id')::bigint,
        r.actor->>'key_id', (r.actor->>'token_id')::bigint, (r.actor->>'unlocked')::boolean,
        r.surface, r.what, r.items, r.insights, r.as_of, r.refresh, r.status, r.from_cache, r.bytes,
        r.ip, r.client, r.correlation_id, own.salt,
        sha256(own.salt || convert_to(sent.row::text, 'UTF8'))
    FROM ROWS FROM (
        json_to_recordset(%(lines)s::json) AS (n bigint, team_id bigint, row json)
    ) WITH ORDINALITY AS sent (n, team_id, row, place)
    CROSS JOIN LATERAL (
        SELECT substr(%(salts)s::bytea, (16 * (sent.place - 1) + 1)::int, 16) AS salt) AS own
    CROSS JOIN LATERAL json_to_record(sent.row) AS r (
        at timestamptz, actor json, surface text, what text, items bigint[], insights bigint[],
        as_of text, refresh text, status int, from_cache boolean, bytes bigint, ip text,
        client text, correlation_id uuid)
    ON CONFLICT (run, n) DO NOTHING"""
_BEGIN: LiteralString = "INSERT INTO read_runs (run, recording) VALUES (%s, %s)"
_SEEN: LiteralString = "UPDATE read_runs SET seen_at = now() WHERE run = %s"
_END: LiteralString = "UPDATE read_runs SET seen_at = now(), ended_at = now() WHERE run = %s"
_TAKEN_OVER: LiteralString = (
    "UPDATE read_runs SET taken_over_at = now()"
    " WHERE run = %s AND ended_at IS NULL AND taken_over_at IS NULL"
)


class TrailRows:
    """What the trail writes into PostgreSQL. Raises OperationalError, InterfaceError."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def insert(self, run: UUID, lines: Iterator[SpooledRead]) -> None:
        """In batches; those that are there already stay as they are."""
        while batch := list(islice(lines, BATCH)):
            async with self._pool.connection() as conn:
                await conn.execute(_INSERT, _sent(run, batch))

    async def begin(self, run: UUID, *, recording: bool) -> None:
        await self._execute(_BEGIN, run, recording)

    async def seen(self, run: UUID) -> None:
        await self._execute(_SEEN, run)

    async def end(self, run: UUID) -> None:
        await self._execute(_END, run)

    async def taken_over(self, run: UUID) -> None:
        """By another process: the run did not end in order."""
        await self._execute(_TAKEN_OVER, run)

    async def _execute(self, statement: LiteralString, *values: object) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(statement, values)


def _sent(run: UUID, batch: Sequence[SpooledRead]) -> dict[str, object]:
    """The salts are drawn in one call: each by its own cost 17 µs."""
    lines = b",".join([each.line for each in batch])
    return {
        "run": run,
        "lines": f"[{lines.decode()}]",
        "salts": os.urandom(SALT_BYTES * len(batch)),
    }
