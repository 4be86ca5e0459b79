"""The changes that each fact of a bus consumer makes."""

from typing import assert_never

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
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: BusConsumerEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one."""
    match event:
        case BusConsumerRenamed():
            return [_change("name", event.previous, event.name)]
        case BusConsumerTypesChanged():
            return [_change("types", event.previous, event.types)]
        case BusConsumerMoved():
            before, after = event.previous.sequence, event.after.sequence
            return [_change("after", str(before), str(after))]
        case BusConsumerPaused() | BusConsumerResumed():
            paused = isinstance(event, BusConsumerPaused)
            return [_change("paused", not paused, paused)]
        case BusPasswordRotated():
            return [_change("password", event.previous_password_id, event.password_id)]
        case BusConsumerDeleted():
            return [_change("deleted", False, True)]
        case BusConsumerCreated():
            return []
        case _:
            assert_never(event)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "BusConsumer")
