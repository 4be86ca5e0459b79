"""The words of undoing: what is asked for, what is free, what was changed since, what stays."""

from collections.abc import Mapping
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw

Command_co = TypeVar("Command_co", covariant=True)

Code = Literal["changed", "edited_since", "deleted", "dashboard", "not_valid"]


class UndoTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, and what the streams themselves can't tell.

    fields: only these, by their names on the wire. None: all.
    only_free: leave alone what has a conflict or can't be taken back, and undo the rest.
    force: delete what others have changed since it was made.
    dashboards: those that are there, and open to the caller, once this undo is done, and what they
        are called. An insight comes back on no other.
    token_id: made for the case that an undo switches sharing on; see `needs_token`.
    live_tiles, going_insights: what a dashboard takes along that is deleted (`EditDashboard`).
    """

    fields: frozenset[str] | None = None
    only_free: bool = False
    force: bool = False
    dashboards: Mapping[int, str | None] = {}
    token_id: int = 0
    live_tiles: tuple[int, ...] = ()
    going_insights: tuple[int, ...] = ()


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """One place that is not as the operation left it.

    kind, number: the stream's. field: by its name on the wire. path: the place in the field, a JSON
    Pointer; None for the whole of it. left, now: `null` where there is nothing.
    changed_by: the operations that moved it since, in order.
    code: changed: has another value now. edited_since: was made by the operation, and changed by
        others. deleted: out of sight now, so that nothing of it can change. dashboard: gone, or
        closed to the caller. not_valid: the outcome is not valid, and `reason` says why.
    """

    kind: str
    number: int
    field: str
    path: str | None
    left: Raw
    now: Raw
    changed_by: tuple[UUID, ...]
    code: Code = "changed"
    reason: str | None = None


class FreePlace(msgspec.Struct, frozen=True, kw_only=True):
    """One place that can be taken back."""

    kind: str
    number: int
    field: str
    path: str | None


class NotUndoable(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that nothing takes back. type: its stored name."""

    kind: str
    number: int
    type: str
    reason: str


class UndoWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of the commands besides.

    new_token: the insight is shared under a new address; an old one never comes back.
    """

    code: Literal["new_token"]
    kind: str
    number: int
    token_id: int


class Undoing(msgspec.Struct, Generic[Command_co], frozen=True, kw_only=True):
    """What undoing one operation means for one stream.

    commands: none when it is refused, or when nothing would change.
    """

    commands: tuple[Command_co, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    free: tuple[FreePlace, ...] = ()
    not_undoable: tuple[NotUndoable, ...] = ()
    warnings: tuple[UndoWarning, ...] = ()

    @property
    def already(self) -> bool:
        """Nothing of the operation would change any more: it is undone, as far as was asked."""
        return not (self.free or self.conflicts or self.not_undoable)
