"""When actions, cohorts and settings were changed, from the rows that the catalog keeps of that."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.common.postgres.database import Pool

MOST = 1_000
"""Of more, the latest are told."""

_CHANGES = """
    SELECT d.stream_id, d.at, d.what, d.user_id, u.first_name, u.email
    FROM definition_changes d LEFT JOIN users u ON u.id = d.user_id
    WHERE d.team_id = %s AND d.stream_id = ANY(%s) AND d.at BETWEEN %s AND %s
    ORDER BY d.position DESC LIMIT %s"""


class DefinitionChangeRow(msgspec.Struct, frozen=True):
    """what: as the fact is called (`steps_changed`). user_id: None: not by a user."""

    stream_id: UUID
    at: datetime
    what: str
    user_id: int | None
    first_name: str | None
    email: str | None


async def definition_changes(
    pool: Pool, team_id: int, streams: Sequence[UUID], since: datetime, until: datetime
) -> list[DefinitionChangeRow]:
    """Of these streams, within these times, in the order of the log."""
    async with pool.connection() as conn:
        cursor = await conn.execute(_CHANGES, (team_id, list(streams), since, until, MOST))
        rows = await cursor.fetchall()
    return [DefinitionChangeRow(*row) for row in reversed(rows)]
