"""What a request turns out to read, noted while its answer is made, for the trail of reads.

Whoever learns something of it notes it; where nothing is recorded, the note goes nowhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar.types import Scope

from contracts.reads import Reader

_NOTE = "recount.read_note"


class ShownItems(msgspec.Struct, frozen=True):
    """What an answer shows: see `contracts.reads.Read`."""

    items: tuple[int, ...] = ()
    insights: tuple[int, ...] = ()
    refresh: str | None = None
    from_cache: bool | None = None


NOTHING_SHOWN = ShownItems()


class ReadNote:
    """team_id: of the project that was asked, once it is known. person: the authenticated user.

    what: another name than its route has. shown: what the answer shows; a later note goes before
    an earlier one.
    sequences: the first and the last that an answer without an end has sent; empty before any.
    """

    __slots__ = ("correlation_id", "person", "reader", "sequences", "shown", "team_id", "what")

    def __init__(self) -> None:
        self.team_id: int | None = None
        self.reader: Reader | None = None
        self.person: Any = None
        self.correlation_id: UUID | None = None
        self.what: str | None = None
        self.shown = NOTHING_SHOWN
        self.sequences: tuple[int, ...] = ()

    def shows(
        self,
        items: Iterable[int] = (),
        *,
        insights: Iterable[int] = (),
        refresh: str | None = None,
        from_cache: bool | None = None,
    ) -> ShownItems:
        self.shown = ShownItems(tuple(items), tuple(insights), refresh, from_cache)
        return self.shown

    def covers(self, first: int, last: int) -> None:
        """Of an answer without an end: facts up to the sequence `last` have been sent."""
        self.sequences = (*(self.sequences[:1] or (first,)), last)


def begin(scope: Scope) -> ReadNote:
    note = ReadNote()
    scope[_NOTE] = note  # type: ignore[literal-required]  # ours
    return note


def noted(scope: Mapping[str, Any] | Scope) -> ReadNote:
    """The note of the request of this scope; one that nobody reads where none was begun."""
    found = scope.get(_NOTE)
    return found if isinstance(found, ReadNote) else ReadNote()
