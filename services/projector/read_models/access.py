"""The access tables: the rules of each stream as one row, and one line per rule for joins."""

from collections.abc import Sequence

from contracts.events.access import AccessEvent
from contracts.events.recorded import Recorded
from contracts.events.streams import StreamKind
from contracts.read_models.access import AccessRow
from domain.access.view import project
from services.common.insights.access import EVERYBODY, RANK
from services.projector.checkpoint import Connection
from services.projector.projection import Numbered, OwnStream, ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream

_FORGET = "DELETE FROM access_rules WHERE team_id = %(team_id)s AND insight_id = %(insight_id)s"

_SAVE = """
    INSERT INTO access_rules (team_id, insight_id, user_id, level)
    SELECT %(team_id)s, %(insight_id)s, *
    FROM unnest(%(users)s::bigint[], %(levels)s::smallint[])"""


async def _replace_rules(
    conn: Connection, touched: Sequence[tuple[AccessRow, Sequence[Recorded[AccessEvent]]]]
) -> None:
    lines = [
        {
            "team_id": row.team_id,
            "insight_id": row.insight_id,
            "users": [rule.grantee.user_id if rule.grantee else EVERYBODY for rule in row.rules],
            "levels": [RANK[rule.level] for rule in row.rules],
        }
        for row, _ in touched
    ]
    async with conn.cursor() as cursor:
        await cursor.executemany(_FORGET, lines)
        await cursor.executemany(_SAVE, lines)


def _columns(row: AccessRow) -> dict[str, object]:
    return {"team_id": row.team_id, "insight_id": row.insight_id, "position": row.position}


ACCESS = RowPerStream(
    "access",
    (
        ProjectionTable("access", ("team_id", "insight_id"), OwnStream()),
        ProjectionTable(
            "access_rules",
            ("team_id", "insight_id", "user_id"),
            Numbered(StreamKind.ACCESS, "insight_id"),
        ),
    ),
    AccessRow,
    project,
    _columns,
    also=_replace_rules,
)
