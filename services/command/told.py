"""What happened to a stream since a version, as a 412 tells it."""

from collections.abc import Callable, Iterable, Sequence

from contracts.api.times import written
from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models.activity import Change
from services.command.handle import Event

Told = dict[str, object]


def told(fact: Recorded[DomainEvent], changes: Iterable[Change]) -> list[Told]:
    """One fact's changes, field by field."""
    return [
        {
            "version": fact.version,
            "at": written(fact.at),
            "field": change.field,
            "before": change.before,
            "after": change.after,
        }
        for change in changes
    ]


def told_since(
    history: Sequence[Recorded[Event]], version: int, changes: Callable[[Event], Iterable[Change]]
) -> list[Told]:
    """Everything after `version`, in order. changes: what a fact changes, seen by itself."""
    return [
        line
        for fact in history
        if fact.version > version
        for line in told(fact, changes(fact.event))
    ]
