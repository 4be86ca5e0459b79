"""The settings of projects that have a history; the others have those they were made with."""

from contracts.read_models.project import ProjectRow
from domain.project.view import project
from services.projector.projection import OwnStream, ProjectionTable
from services.projector.read_models.definition_changes import keep_changes
from services.projector.read_models.row_per_stream import RowPerStream


def _columns(row: ProjectRow) -> dict[str, object]:
    return {"team_id": row.team_id}


PROJECTS = RowPerStream(
    "project",
    (ProjectionTable("project_settings", ("team_id",), OwnStream()),),
    ProjectRow,
    project,
    _columns,
    also=keep_changes,
)
