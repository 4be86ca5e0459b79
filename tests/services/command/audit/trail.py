"""Rows of the trail of reads, as the query service leaves them, and what the seal made of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import dict_row

from contracts.events.audit import TrailEvent
from contracts.events.streams import audit_stream
from contracts.reads import Read, UserReader, canonical
from services.common.log.store import EventStore
from services.common.postgres.database import Pool
from services.query.reads_trail.lines import SpooledRead
from services.query.reads_trail.rows import TrailRows

F = TypeVar("F", bound=TrailEvent)

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


async def answered(
    pool: Pool, team_id: int, count: int, at: datetime = NOW, run: UUID | None = None
) -> None:
    """So many reads, a second apart."""
    lines = [
        SpooledRead(place + 1, team_id, _raw(at + timedelta(seconds=place)))
        for place in range(count)
    ]
    await TrailRows(pool).insert(run or uuid4(), iter(lines))


def _raw(at: datetime) -> Any:
    actor = UserReader(user_id=1, key_id="k")
    read = Read(at=at, actor=actor, surface="api", what="insight", items=(1,), status=200)
    return msgspec.Raw(canonical(read))


async def reads(pool: Pool, team_id: int) -> list[dict[str, Any]]:
    """In the order of their numbers; unsealed ones last."""
    return await _rows(pool, "SELECT * FROM reads WHERE team_id = %s ORDER BY number", team_id)


async def seals(pool: Pool, team_id: int) -> list[dict[str, Any]]:
    return await _rows(pool, "SELECT * FROM read_seals WHERE team_id = %s ORDER BY first", team_id)


async def _rows(pool: Pool, statement: Any, *values: object) -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=dict_row)
        await cursor.execute(statement, values)
        return await cursor.fetchall()


async def told(store: EventStore, team_id: int, kind: type[F]) -> list[F]:
    """What the project's audit stream says of reads."""
    recorded = await store.load(audit_stream(team_id))
    return [each.event for each in recorded if isinstance(each.event, kind)]
