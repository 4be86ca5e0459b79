"""The tables of the trail, as this service writes them: read_runs, and rows of reads.

A row that comes twice, because its process died between the INSERT and the cut, is there once.
"""

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import LiteralString
from uuid import UUID

from contracts.reads import SALT_BYTES
from services.common.postgres.database import Pool
from services.query.reads_trail.lines import SpooledRead

BATCH = 500

# As one document, which PostgreSQL takes apart: psycopg takes longer over arrays of 22 columns.
_INSERT: LiteralString = """
    INSERT INTO reads (
        run, n, team_id, at, actor, user_id, key_id, token_id, unlocked, surface, what, items,
        insights, as_of, refresh, status, from_cache, bytes, ip, client, correlation_id, salt,
        commitment)
    SELECT %s, n, team_id, at, actor->>'type', (actor->>'user_id')::bigint, actor->>'key_id',
        (actor->>'token_id')::bigint, (actor->>'unlocked')::boolean, surface, what, items,
        insights, as_of, refresh, status, from_cache, bytes, ip, client, correlation_id,
        decode(salt, 'hex'), decode(commitment, 'hex')
    FROM json_to_recordset(%s::json) AS sent (
        n bigint, team_id bigint, salt text, commitment text, at timestamptz, actor json,
        surface text, what text, items bigint[], insights bigint[], as_of text, refresh text,
        status int, from_cache boolean, bytes bigint, ip text, client text, correlation_id uuid)
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
                await conn.execute(_INSERT, (run, _document(batch).decode()))

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


def _document(batch: Sequence[SpooledRead]) -> bytes:
    """A JSON object per row. The salts are drawn in one call: each by its own cost 17 µs."""
    salts = os.urandom(SALT_BYTES * len(batch))
    rows = []
    for place, each in enumerate(batch):
        salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        row = bytes(each.row)
        proof = (salt.hex().encode(), sha256(salt + row).hexdigest().encode())
        # The members of the canonical row behind those that are beside it.
        own = b'{"n":%d,"team_id":%d,"salt":"%b","commitment":"%b",' % (
            each.n,
            each.team_id,
            *proof,
        )
        rows.append(own + row[1:])
    return b"[" + b",".join(rows) + b"]"
