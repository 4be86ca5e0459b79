"""The changes of a stream since a version: the lines of a 412."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from contracts.api.times import written
from contracts.events.recorded import DomainEvent, Recorded
from contracts.read_models.activity import Change
from services.common.http.problems import ChangeLine

Event = TypeVar("Event", bound=DomainEvent)


def change_lines(fact: Recorded[DomainEvent], changes: Iterable[Change]) -> list[ChangeLine]:
    """A line per field that the fact changed."""
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


def lines_since(
    changes: Callable[[Event], Iterable[Change]],
) -> Callable[[Sequence[Recorded[Event]], int], list[ChangeLine]]:
    """Reads the lines of all facts after a version, in order. changes: of one fact by itself."""

    def since(history: Sequence[Recorded[Event]], version: int) -> list[ChangeLine]:
        return [
            line
            for fact in history
            if fact.version > version
            for line in change_lines(fact, changes(fact.event))
        ]

    return since
