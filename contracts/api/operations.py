"""Operations on the wire: what one command did, stream by stream."""

from uuid import UUID

import msgspec

from contracts.api.times import Time
from contracts.api.versions import VersionUser
from contracts.triggers import Trigger


class OperationPart(msgspec.Struct, frozen=True, kw_only=True):
    """What it did to one stream. id: the thing's number. types: stored names, in order.

    sentences: in words, where there are any for this kind.
    """

    kind: str
    id: int
    first_version: int
    version: int
    types: tuple[str, ...]
    sentences: tuple[str, ...]


class NotUndoablePart(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that nothing takes back, and why."""

    kind: str
    id: int
    type: str
    reason: str


class OperationBody(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, as far as the caller may see it. user: null for one who is gone.

    position: of its last fact. undone_by: the operations that took it back, oldest first.
    undoable: whether nothing in it is of a sort that stays.
    """

    operation_id: UUID
    position: int
    at: Time
    user: VersionUser | None
    key_id: str | None
    correlation_id: UUID
    causation_id: UUID | None
    trigger: Trigger | None
    parts: tuple[OperationPart, ...]
    undone_by: tuple[UUID, ...]
    undoable: bool
    not_undoable: tuple[NotUndoablePart, ...]
