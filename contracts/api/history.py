"""Bodies of undo, revert and bulk edits: what is asked for, and what came of it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from contracts.api.text import Tag

Time = Annotated[datetime, Meta(tz=True)]


class UndoOperation(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST operations/:operation_id/undo/.

    fields: only these, by their names on the wire. only_free: leave alone what has a conflict.
    force: delete what the operation made, though others have changed it since.
    """

    fields: tuple[str, ...] | None = None
    only_free: bool = False
    force: bool = False


class UndoInInsight(UndoOperation, frozen=True, kw_only=True):
    """Body of POST insights/:id/undo/: what the operation did to this insight."""

    operation_id: UUID


class UndoOperations(UndoOperation, frozen=True, kw_only=True):
    """Body of POST operations/undo/: whose operations, recorded from when to when.

    Without user and key_id: the caller's. until: now, if left out; itself it is no part of it.
    insights: operations that did something to one of these, to its sharing or to its rules.
    """

    since: Time
    until: Time | None = None
    user: int | None = None
    key_id: str | None = None
    insights: tuple[int, ...] | None = None


class UndoneChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the undo did to one thing. version: that it left."""

    kind: str
    id: int
    version: int
    sentences: tuple[str, ...]


class UndoneWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it besides. new_token: the insight is shared under this new address."""

    code: str
    kind: str
    id: int
    access_token: str | None


class UndoneBody(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an undo. operation_id: of the undo itself, null when nothing was to be done.

    undone, already: the operations that were taken back now, and before; newest first.
    """

    operation_id: UUID | None
    undone: tuple[UUID, ...]
    already: tuple[UUID, ...]
    changes: tuple[UndoneChange, ...]
    warnings: tuple[UndoneWarning, ...]


class ConflictBody(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a 409 that is not as the operation left it; see domain.history.undoing."""

    kind: str
    id: int
    field: str
    path: str | None
    left: Raw
    now: Raw
    changed_by: tuple[UUID, ...]
    code: str
    reason: str | None


class FreeBody(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a 409 that can be taken back."""

    kind: str
    id: int
    field: str
    path: str | None


class NotUndoableBody(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that nothing takes back. type: its stored name."""

    kind: str
    id: int
    type: str
    reason: str


class RevertInsight(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST insights/:id/revert/. to: a version, a position, a sequence, or a time.

    fields: only these of that version; all that can be written, if left out.
    """

    to: str
    fields: tuple[str, ...] | None = None


class BulkSet(msgspec.Struct, frozen=True, kw_only=True):
    """What all of the insights get. What is not named stays."""

    favorited: bool | UnsetType = UNSET
    saved: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    add_tags: tuple[Tag, ...] = ()
    remove_tags: tuple[Tag, ...] = ()
    add_dashboards: tuple[int, ...] = ()
    remove_dashboards: tuple[int, ...] = ()


class BulkEdit(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST insights/bulk/. partial: what is refused is skipped, and refuses not all."""

    ids: tuple[int, ...]
    set: BulkSet
    partial: bool = False


class ChangedInsight(msgspec.Struct, frozen=True):
    id: int
    version: int


class RefusedInsight(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit of this insight alone would have been answered with."""

    id: int
    status: int
    code: str
    detail: str


class BulkBody(msgspec.Struct, frozen=True, kw_only=True):
    """operation_id: null when nothing changed. skipped: in part alone."""

    operation_id: UUID | None
    changed: tuple[ChangedInsight, ...]
    unchanged: tuple[int, ...]
    skipped: tuple[RefusedInsight, ...]
