"""Looking is not taken back."""

from collections.abc import Sequence
from uuid import UUID

from contracts.codec import stored_name
from contracts.events.recorded import Recorded
from contracts.events.streams import Stream
from contracts.events.viewing import ViewingEvent
from domain.history.undoing import NotUndoable, Undoing, UndoTerms

_REASON = "Who has looked at something has looked at it."


def undo(
    stream: Stream[ViewingEvent],
    operation_id: UUID,
    past: Sequence[Recorded[ViewingEvent]],
    terms: UndoTerms,
) -> Undoing[None]:
    """Never a command. Where fields are asked for, it has none."""
    if terms.fields is not None:
        return Undoing()
    return Undoing(
        not_undoable=tuple(
            NotUndoable(
                kind=stream.kind.value,
                number=stream.number,
                type=stored_name(fact.event),
                reason=_REASON,
            )
            for fact in past
            if fact.operation_id == operation_id
        )
    )
