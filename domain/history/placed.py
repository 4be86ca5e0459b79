"""An operation's place in the past of a stream."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from contracts.events.recorded import DomainEvent, Recorded

Row = TypeVar("Row")
Event = TypeVar("Event", bound=DomainEvent)


class Later(msgspec.Struct, Generic[Row], frozen=True):
    """The row after one more operation, and who that was."""

    operation_id: UUID
    user_id: int | None
    row: Row


class Placed(msgspec.Struct, Generic[Row, Event], frozen=True):
    """An operation in its stream's past.

    before: None where the stream begins with it. since: after each of the operations that followed.
    """

    facts: tuple[Recorded[Event], ...]
    before: Row | None
    after: Row
    since: tuple[Later[Row], ...]

    @property
    def now(self) -> Row:
        return self.since[-1].row if self.since else self.after


def place(
    operation_id: UUID,
    past: Iterable[Recorded[Event]],
    project: Callable[[Row | None, Recorded[Event]], Row],
) -> Placed[Row, Event] | None:
    """None: the operation did nothing to this stream."""
    row: Row | None = None
    found: tuple[tuple[Recorded[Event], ...], Row | None, Row] | None = None
    since: list[Later[Row]] = []
    for each, group in groupby(past, key=lambda fact: fact.operation_id):
        first, *others = group
        before, row = row, project(row, first)
        for fact in others:
            row = project(row, fact)
        if found is not None:
            since.append(Later(each, first.user_id, row))
        elif each == operation_id:
            found = ((first, *others), before, row)
    return None if found is None else Placed(*found, tuple(since))
