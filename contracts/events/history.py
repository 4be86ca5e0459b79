"""Facts of the project's own history: that an operation took others back, or many in one.

They stand beside the facts that do it, in the same append, in a stream of their own that is
appended to blind: so they conflict with nothing. No projection of the present folds them.
"""

from uuid import UUID

from contracts.events.fact import Fact


class OperationsUndone(Fact, frozen=True, tag="history.undone.v1"):
    """operation_ids: newest first."""

    operation_ids: tuple[UUID, ...]


class InsightReverted(Fact, frozen=True, tag="history.reverted.v1"):
    """It, or some of its fields, are again as they were at that version."""

    insight_id: int
    version: int


class InsightsChangedInBulk(Fact, frozen=True, tag="history.changed_in_bulk.v1"):
    """insight_ids: those that changed."""

    insight_ids: tuple[int, ...]


HistoryEvent = OperationsUndone | InsightReverted | InsightsChangedInBulk
