"""What led to an operation, as the facts of a project's history say it."""

from typing import Literal, assert_never
from uuid import UUID

import msgspec

from contracts.events.history import (
    HistoryEvent,
    InsightReverted,
    InsightsChangedInBulk,
    OperationsUndone,
)


class Trigger(msgspec.Struct, frozen=True):
    """job_id: the operation that was taken back, or the version returned to (`v3`)."""

    job_type: Literal["undo", "revert", "bulk"]
    job_id: str
    payload: dict[str, str] = {}


def trigger_of(event: HistoryEvent, operation_id: UUID) -> Trigger:
    """operation_id: of the fact itself."""
    match event:
        case OperationsUndone(operation_ids=undone):
            return Trigger("undo", str(undone[0] if undone else operation_id))
        case InsightReverted(version=version):
            return Trigger("revert", f"v{version}")
        case InsightsChangedInBulk():
            return Trigger("bulk", str(operation_id))
        case _:
            assert_never(event)
