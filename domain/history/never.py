"""Facts that no undo takes back, on any stream: what somebody looked at, what auditors are told."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from contracts.codec import stored_name
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream
from contracts.undoable import NOT_UNDOABLE
from domain.history.undoing import NotUndoable, Undoing, UndoTerms


def undo(
    stream: Stream[Any],
    operation_id: UUID,
    past: Sequence[Recorded[Any]],
    terms: UndoTerms,
) -> Undoing[None]:
    """Never a command. Where fields are asked for, it has none."""
    if terms.fields is not None:
        return Undoing()
    own = (fact.event for fact in past if fact.operation_id == operation_id)
    return Undoing(not_undoable=refusals(stream, own))


def refusals(stream: Stream[Any], events: Iterable[DomainEvent]) -> tuple[NotUndoable, ...]:
    """One for each fact."""
    return tuple(
        NotUndoable(
            kind=stream.kind.value,
            number=stream.number,
            type=name,
            reason=NOT_UNDOABLE[name],
        )
        for name in map(stored_name, events)
    )
