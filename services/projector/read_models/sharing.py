"""The sharing table: one row per insight that was ever shared.

Tokens and passwords are here by their ids alone.
"""

from contracts.read_models import projections
from contracts.read_models.sharing import SharingRow
from domain.sharing.view import project
from services.projector.projection import SHARING, OwnStream, ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream, StreamProjection


def _columns(row: SharingRow) -> dict[str, object]:
    return {"team_id": row.team_id, "insight_id": row.insight_id, "version": row.version}


def sharing_projection() -> StreamProjection:
    table = ProjectionTable("sharing", ("team_id", "insight_id"), OwnStream())
    return StreamProjection(
        projections.SHARING, [RowPerStream(SHARING, (table,), SharingRow, project, _columns)]
    )
