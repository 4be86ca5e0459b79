"""Operations on one stream, and what undoing some of them would do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Raw
from msgspec.structs import replace

from contracts.events.recorded import Actor, DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from domain.history.undo import TakenBack, take_back
from domain.history.undoing import Conflict, UndoTerms
from tests.examples import ALICE, BOB, INSIGHT, operation, recorded, stream


class By(tuple[DomainEvent, ...]):
    """The facts of one operation that Bob did; without it, it was Alice."""

    actor = BOB


class Told:
    """One stream and its operations: 1 for the first."""

    def __init__(self, of: Stream[DomainEvent], *operations: Sequence[DomainEvent]) -> None:
        self.stream = of
        self.past: list[Recorded[Any]] = []
        for number, events in enumerate(operations, start=1):
            self.append(events, operation(number))

    def append(
        self, events: Sequence[DomainEvent], operation_id: UUID, actor: Actor = ALICE
    ) -> None:
        self.past += [
            replace(fact, operation_id=operation_id)
            for fact in recorded(
                events,
                of=self.stream,
                actor=getattr(events, "actor", actor),
                after=len(self.past),
            )
        ]

    def undo(self, *numbers: int, **terms: Any) -> TakenBack:
        """Of several, the newest first."""
        return self.undo_all([operation(number) for number in numbers], **terms)

    def undo_all(self, operations: Sequence[UUID], **terms: Any) -> TakenBack:
        return take_back(self.stream, operations, self.past, UndoTerms(**terms))


def told(*operations: Sequence[DomainEvent]) -> Told:
    """Of an insight."""
    return Told(stream(StreamKind.INSIGHT, INSIGHT), *operations)


def said(conflicts: Sequence[Conflict]) -> list[tuple[object, ...]]:
    """Code, field, path, both sides as text, and the operations by their numbers."""
    numbers = {operation(number): number for number in range(1, 30)}
    return [
        (
            each.code,
            each.field,
            each.path,
            text(each.left),
            text(each.now),
            [numbers[by] for by in each.changed_by],
        )
        for each in conflicts
    ]


def text(document: Raw) -> str:
    return bytes(document).decode()


def places(taken: TakenBack) -> list[tuple[str, str | None]]:
    return [(each.field, each.path) for each in taken.free]
