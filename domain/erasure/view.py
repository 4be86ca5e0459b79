"""An erasure, folded from its facts."""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.audit import (
    ErasureCompleted,
    ErasureEvent,
    ErasureRequested,
    PayloadErased,
)
from contracts.events.recorded import Recorded
from contracts.read_models.erasure import ErasedPayload, ErasureRow, ReachedState


def project(row: ErasureRow | None, recorded: Recorded[ErasureEvent]) -> ErasureRow:
    event = recorded.event
    if row is None:
        if not isinstance(event, ErasureRequested):
            raise ValueError(f"an erasure began with {type(event).__name__}")
        return ErasureRow(
            team_id=recorded.team_id,
            erasure_id=event.erasure_id,
            reason=event.reason,
            requested_by=recorded.user_id,
            requested_at=recorded.at,
            version=recorded.version,
        )
    return replace(_changed(row, recorded), version=recorded.version)


def view(history: Iterable[Recorded[ErasureEvent]]) -> ErasureRow | None:
    """None: never asked for."""
    return reduce(project, history, None)


def _changed(row: ErasureRow, recorded: Recorded[ErasureEvent]) -> ErasureRow:
    event = recorded.event
    match event:
        case ErasureRequested():
            raise ValueError(f"erasure {event.erasure_id} was asked for twice")
        case PayloadErased(sequence=None):
            return replace(row, reads=(*row.reads, *event.reads))
        case PayloadErased():
            return replace(row, entries=(*row.entries, _entry(event)))
        case ErasureCompleted(state=state, counts=counts):
            reached = ReachedState(state, recorded.at, counts)
            return replace(row, states=(*row.states, reached))
        case _:
            assert_never(event)


def _entry(event: PayloadErased) -> ErasedPayload:
    return ErasedPayload(
        event.sequence or 0, event.erased_type or "", event.commitment or "", event.fields
    )
