"""The bus consumer as readers see it.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

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
from contracts.read_models.bus_consumer import BusConsumerRow


def project(row: BusConsumerRow | None, recorded: Recorded[BusConsumerEvent]) -> BusConsumerRow:
    """The row after one more fact. Raises ValueError unless one creation comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, BusConsumerCreated):
            raise ValueError(
                f"stream {recorded.stream_id} does not begin with bus_consumer.created"
            )
        return BusConsumerRow(
            team_id=recorded.team_id,
            consumer_id=event.consumer_id,
            key=event.key,
            name=event.name,
            types=event.types,
            after=event.after,
            begun=recorded.version,
            password_id=event.password_id,
            created_at=recorded.at,
            created_by=recorded.user_id,
            updated_at=recorded.at,
            version=recorded.version,
        )
    changed = _changed(row, event, recorded.version)
    return replace(changed, version=recorded.version, updated_at=recorded.at)


def view(history: Iterable[Recorded[BusConsumerEvent]]) -> BusConsumerRow | None:
    """None: never created."""
    return reduce(project, history, None)


def _changed(row: BusConsumerRow, event: BusConsumerEvent, version: int) -> BusConsumerRow:
    match event:
        case BusConsumerCreated():
            raise ValueError(f"bus consumer {event.consumer_id} was created twice")
        case BusConsumerRenamed(name=name):
            return replace(row, name=name)
        case BusConsumerTypesChanged(types=types):
            return replace(row, types=types)
        case BusConsumerMoved(after=after):
            return replace(row, after=after, begun=version)
        case BusConsumerPaused():
            return replace(row, paused=True)
        case BusConsumerResumed():
            return replace(row, paused=False)
        case BusPasswordRotated(password_id=password_id):
            return replace(row, password_id=password_id)
        case BusConsumerDeleted():
            return replace(row, deleted=True)
        case _:
            assert_never(event)
