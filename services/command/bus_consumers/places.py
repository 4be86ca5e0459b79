"""Places in the log as subscribers' cursors name them, and as the bus numbers them."""

from typing import LiteralString

from contracts.chain import BEGINNING, Link
from contracts.cursors import link_text
from contracts.events.bus_consumer import BusStart
from services.common.log.cursors import check_cursor, project_link
from services.common.postgres.database import Pool

_POSITION: LiteralString = "SELECT notification_id FROM log WHERE team_id = %s AND team_seq = %s"
_UP_TO: LiteralString = """
    SELECT team_seq, hash FROM log WHERE team_id = %s AND notification_id <= %s
    ORDER BY team_seq DESC LIMIT 1"""
_FROM: LiteralString = """
    SELECT team_seq FROM log WHERE team_id = %s AND notification_id >= %s
    ORDER BY team_seq LIMIT 1"""


async def start_after(pool: Pool, team_id: int, after: str, first_position: int) -> BusStart:
    """The place that a cursor names. first_position: of the first message that the bus has.

    Raises as `check_cursor` does.
    """
    first = 1
    if first_position > 1:
        kept = await _one(pool, _FROM, team_id, first_position)
        # Nothing of the project is kept: what it says next will be.
        first = kept if kept is not None else await _next(pool, team_id)
    link = await check_cursor(pool, team_id, after, first)
    position = await _one(pool, _POSITION, team_id, link.team_seq) if link.team_seq else 0
    return BusStart(link.team_seq, position or 0)


async def cursor_at(pool: Pool, team_id: int, position: int) -> str:
    """The cursor of the project's last entry up to this position."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_UP_TO, (team_id, position))).fetchone()
    return link_text(BEGINNING if row is None else Link(row[0], row[1]))


async def cursor_of(pool: Pool, team_id: int, sequence: int) -> str:
    """The cursor of this entry, in its long form."""
    return link_text(await project_link(pool, team_id, sequence) or BEGINNING)


async def _next(pool: Pool, team_id: int) -> int:
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT seq FROM log_heads WHERE team_id = %s", (team_id,))
        row = await cursor.fetchone()
    return 1 if row is None else int(row[0]) + 1


async def _one(pool: Pool, statement: LiteralString, team_id: int, value: int) -> int | None:
    async with pool.connection() as conn:
        row = await (await conn.execute(statement, (team_id, value))).fetchone()
    return None if row is None else int(row[0])
