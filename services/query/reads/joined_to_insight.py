"""Rows joined to one insight, by its number or its short id, in one round trip."""

from collections.abc import Callable
from typing import LiteralString, TypeVar

import msgspec
from psycopg.rows import args_row

from contracts.read_models.projections import Projection
from contracts.references import InsightReference
from services.common.http.caller import Caller
from services.common.postgres.database import Pool
from services.query.reads.access import access_values
from services.query.reads.read_position import REACHED, TEAM_HEAD, Snapshot, projections

T = TypeVar("T")


class Past(msgspec.Struct, frozen=True):
    """tables: the tables as they were, see `reads.past`. values: of their placeholders."""

    tables: LiteralString
    values: dict[str, object]


async def joined_to_insight(
    pool: Pool,
    caller: Caller,
    insight: InsightReference,
    columns: LiteralString,
    joins: LiteralString,
    waited_for: tuple[Projection, ...],
    found: Callable[..., Snapshot[T]],
    past: Past | None = None,
) -> Snapshot[T]:
    """The one row that there always is: of an insight that is not in sight, `i` is null.

    columns, joins: over `insights i`. waited_for: the projections that REACHED is of.
    found: given the columns, then REACHED and TEAM_HEAD. past: where they are read as they were.
    """
    before: LiteralString = "" if past is None else f"WITH {past.tables}"
    named: LiteralString = (
        "i.short_id = %(short_id)s" if insight.number is None else "i.insight_id = %(number)s"
    )
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=args_row(found))
        await cursor.execute(
            f"""
            {before} SELECT {columns}, {REACHED}, {TEAM_HEAD}
            FROM (SELECT) AS one
            LEFT JOIN insights i ON i.team_id = %(team_id)s AND NOT i.deleted AND {named}
            {joins}""",
            access_values(caller)
            | {
                "team_id": caller.team_id,
                "number": insight.number,
                "short_id": insight.short_id,
                "projections": projections(*waited_for),
            }
            | ({} if past is None else past.values),
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("the statement always gives one row")
    return row
