"""The dashboards table: one row per dashboard, deleted ones too."""

from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.view import project
from services.projector.projection import OwnStream, ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream


def _columns(row: DashboardRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "dashboard_id": row.dashboard_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "pinned": row.pinned,
        "deleted": row.deleted,
        "restriction_level": row.restriction_level,
        "created_by": row.created_by,
        "version": row.version,
    }


DASHBOARDS = RowPerStream(
    "dashboard",
    (ProjectionTable("dashboards", ("team_id", "dashboard_id"), OwnStream()),),
    DashboardRow,
    project,
    _columns,
)
