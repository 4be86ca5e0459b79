"""The actions table: one row per action, deleted ones too."""

import msgspec

from contracts.queries.actions import ActionStep, named_cohorts
from contracts.read_models.action import ActionRow
from domain.action.view import project
from services.projector.projection import OwnStream, ProjectionTable
from services.projector.read_models.definition_changes import DEFINITION_CHANGES, keep_changes
from services.projector.read_models.named import named_columns
from services.projector.read_models.row_per_stream import RowPerStream

_steps = msgspec.json.Decoder(tuple[ActionStep, ...])


def _columns(row: ActionRow) -> dict[str, object]:
    columns = named_columns(row, lambda: named_cohorts(_steps.decode(row.steps)))
    return columns | {"action_id": row.action_id}


ACTIONS = RowPerStream(
    "action",
    (ProjectionTable("actions", ("team_id", "action_id"), OwnStream()), DEFINITION_CHANGES),
    ActionRow,
    project,
    _columns,
    also=keep_changes,
)
