"""Takes an operation on a bus consumer back."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerEvent,
    BusConsumerMoved,
    BusConsumerPaused,
    BusConsumerRenamed,
    BusConsumerResumed,
    BusConsumerTypesChanged,
    BusPasswordRotated,
)
from contracts.events.recorded import Recorded
from contracts.events.streams import Stream
from domain.bus_consumer.commands import BusConsumerCommand, DeleteBusConsumer, EditBusConsumer
from domain.bus_consumer.view import project
from domain.history.judge import DELETED, Judge, Touch
from domain.history.placed import place
from domain.history.undoing import Undoing, UndoTerms


def undo(
    stream: Stream[BusConsumerEvent],
    operation_id: UUID,
    past: Sequence[Recorded[BusConsumerEvent]],
    terms: UndoTerms,
) -> Undoing[BusConsumerCommand]:
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    judge = Judge(stream, placed, terms, touch)
    if placed.before is None:
        return judge.undoing(*([DeleteBusConsumer()] if judge.creation() else []))
    back: dict[str, Any] = {field: judge.plain(field) for field in judge.fields}
    edit = EditBusConsumer(**back)
    return judge.undoing(*([] if edit == EditBusConsumer() else [edit]))


def touch(event: BusConsumerEvent) -> Touch:
    match event:
        case BusConsumerCreated():
            return Touch(DELETED)
        case BusConsumerRenamed():
            return Touch("name")
        case BusConsumerTypesChanged():
            return Touch("types")
        case BusConsumerPaused() | BusConsumerResumed():
            return Touch("paused")
        case BusConsumerMoved():
            return Touch("after", "How far it had come before is not known: it can be moved again.")
        case BusPasswordRotated():
            return Touch("password", "The password before it opens nothing.")
        case BusConsumerDeleted():
            return Touch(DELETED, "Its place on the bus is forgotten.")
        case _:
            assert_never(event)
