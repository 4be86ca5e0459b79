"""What happened to a stream since a version, as a 412 tells it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from contracts.api.times import written
from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models.activity import Change
from services.common.http.problems import ChangeLine

Event = TypeVar("Event", bound=DomainEvent)


def told(fact: Recorded[DomainEvent], changes: Iterable[Change]) -> list[ChangeLine]:
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


def told_by(
    changes: Callable[[Event], Iterable[Change]],
) -> Callable[[Sequence[Recorded[Event]], int], list[ChangeLine]]:
    """Tells everything after a version, in order. changes: what a fact changes, seen by itself."""

    def since(history: Sequence[Recorded[Event]], version: int) -> list[ChangeLine]:
        return [
            line
            for fact in history
            if fact.version > version
            for line in told(fact, changes(fact.event))
        ]

    return since
