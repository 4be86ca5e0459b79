"""A chain of facts as auditors read it: each entry with what is called how today, and its proof."""

import msgspec
from msgspec import Raw

from contracts.api.times import Time


class AuditItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the entry is about. kind, id: of its stream. short_id: of the insight it is about.

    name: of today; null for what has none.
    """

    kind: str
    id: int
    short_id: str | None
    name: str | None


class AuditUser(msgspec.Struct, frozen=True, kw_only=True, tag="user"):
    """first_name, email: of today; null once the user is gone."""

    user_id: int
    key_id: str | None
    first_name: str | None
    email: str | None


class AuditSystem(msgspec.Struct, frozen=True, kw_only=True, tag="system"):
    """Recount itself."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. version: of its stream. data: the payload as it is committed to.

    erased: the payload is redacted; its hash still holds.
    """

    sequence: int
    position: int
    at: Time
    type: str
    version: int
    item: AuditItem
    actor: AuditUser | AuditSystem
    operation_id: str
    correlation_id: str
    causation_id: str | None
    data: Raw
    erased: bool
    hash: str
    previous_hash: str


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """entries: in ascending sequence. through: all up to there was looked at. head: the last one's
    sequence. next: asks for what follows `through`; always there.
    """

    entries: list[Raw]
    through: str
    head: int
    next: str
