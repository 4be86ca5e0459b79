"""The webhooks table: one row per webhook, deleted ones too."""

from contracts.read_models.webhook import WebhookRow
from domain.webhook.view import project
from services.projector.projection import OwnStream, ProjectionTable
from services.projector.read_models.row_per_stream import RowPerStream


def _columns(row: WebhookRow) -> dict[str, object]:
    return {
        "team_id": row.team_id,
        "webhook_id": row.webhook_id,
        "deleted": row.deleted,
        "version": row.version,
    }


WEBHOOKS = RowPerStream(
    "webhook",
    (ProjectionTable("webhooks", ("team_id", "webhook_id"), OwnStream()),),
    WebhookRow,
    project,
    _columns,
)
