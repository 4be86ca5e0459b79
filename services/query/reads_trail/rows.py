"""The tables of the trail, as this service writes them: read_runs, and rows of reads.

A row that comes twice, because its process died between the INSERT and the cut, is there once.
"""

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, LiteralString
from uuid import UUID

from contracts.reads import SALT_BYTES, ErasedReader, Read, UserReader, VisitorReader
from services.common.postgres.database import Pool
from services.query.reads_trail.lines import SpooledRead

BATCH = 500

_COLUMNS: dict[LiteralString, LiteralString] = {
    "n": "bigint",
    "team_id": "bigint",
    "at": "timestamptz",
    "actor": "text",
    "user_id": "bigint",
    "key_id": "text",
    "token_id": "bigint",
    "unlocked": "boolean",
    "surface": "text",
    "what": "text",
    "items": "text",
    "insights": "text",
    "as_of": "text",
    "refresh": "text",
    "status": "int",
    "from_cache": "boolean",
    "bytes": "bigint",
    "ip": "text",
    "client": "text",
    "correlation_id": "uuid",
    "salt": "bytea",
    "commitment": "bytea",
}
_NAMES: LiteralString = ", ".join(_COLUMNS)
_ARRAYS: LiteralString = ", ".join([f"%s::{kind}[]" for kind in _COLUMNS.values()])
_VALUES: LiteralString = ", ".join(
    [f"{name}::bigint[]" if name in ("items", "insights") else name for name in _COLUMNS]
)
_INSERT: LiteralString = f"""
    INSERT INTO reads (run, {_NAMES})
    SELECT %s, {_VALUES} FROM unnest({_ARRAYS}) AS sent ({_NAMES})
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
                await conn.execute(_INSERT, (run, *_columns(batch)))

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


def _columns(batch: Sequence[SpooledRead]) -> Sequence[list[Any]]:
    """A list per column. The salts are drawn in one call: each by its own cost 17 µs."""
    salts = os.urandom(SALT_BYTES * len(batch))
    rows = []
    for place, each in enumerate(batch):
        salt = salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
        proof = (salt, sha256(salt + each.row).digest())
        rows.append((each.n, each.team_id, *_values(each.read), *proof))
    return [list(column) for column in zip(*rows, strict=True)]


def _values(read: Read) -> tuple[object, ...]:
    return (
        read.at,
        *_actor(read),
        read.surface,
        read.what,
        _array(read.items),
        _array(read.insights),
        read.as_of,
        read.refresh,
        read.status,
        read.from_cache,
        read.bytes,
        read.ip,
        read.client,
        read.correlation_id,
    )


def _actor(read: Read) -> tuple[str, int | None, str | None, int | None, bool | None]:
    match read.actor:
        case UserReader(user_id=user, key_id=key):
            return "user", user, key, None, None
        case VisitorReader(token_id=token, unlocked=unlocked):
            return "visitor", None, None, token, unlocked
        case ErasedReader():
            return "erased", None, None, None, None


def _array(numbers: Sequence[int]) -> str:
    # As text: arrays of arrays of different lengths can't be unnested.
    return "{" + ",".join(map(str, numbers)) + "}"
