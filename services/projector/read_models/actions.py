"""The actions table: one row per action, deleted ones too."""

import msgspec

from contracts.queries.actions import ActionStep, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.action import ActionRow
from domain.action.view import project
from services.projector.projection import ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream

_steps = msgspec.json.Decoder(tuple[ActionStep, ...])


def _columns(row: ActionRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "action_id": row.action_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "deleted": row.deleted,
        "cohorts": _cohorts(row),
    }


def _cohorts(row: ActionRow) -> list[int]:
    try:
        return list(named_cohorts(_steps.decode(row.steps)))
    except InvalidQuery:
        # Stored under rules that are gone: whoever queries it is told.
        return []


ACTIONS = RowPerStream(
    "action", (ProjectionTable("actions", ("team_id", "action_id")),), ActionRow, project, _columns
)
