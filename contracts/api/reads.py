"""The trail of reads as auditors read it: who was shown what, with what they are called today."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.api.times import Time


class ReadByUser(msgspec.Struct, frozen=True, kw_only=True, tag="user"):
    """first_name, email: of today; null once the user is gone."""

    user_id: int
    key_id: str
    first_name: str | None
    email: str | None


class ReadByVisitor(msgspec.Struct, frozen=True, kw_only=True, tag="visitor"):
    """Of a share: by the number of its token. unlocked: they had given its password."""

    token_id: int | None
    unlocked: bool


class ReadByErased(msgspec.Struct, frozen=True, kw_only=True, tag="erased"):
    """Somebody who has been erased."""


class ReadBody(msgspec.Struct, frozen=True, kw_only=True):
    """One answered request, see `contracts.reads.Read`. number: null while it waits for its seal,
    whose sequence in the project's facts is sealed_by.

    salt, commitment: in hex, of lines alone: SHA-256(salt ‖ the row) = commitment, and the row is
    the members from `at` to `correlation_id`, without names; no salt is left of an erased one.
    """

    number: int | None
    at: Time
    actor: ReadByUser | ReadByVisitor | ReadByErased
    surface: str
    what: str
    items: tuple[int, ...]
    insights: tuple[int, ...]
    as_of: str | None
    refresh: str | None
    status: int
    from_cache: bool | None
    bytes: int
    ip: str | None
    client: str | None
    correlation_id: str | None
    sealed_by: int | None
    salt: str | UnsetType | None = UNSET
    commitment: str | UnsetType = UNSET


class ReadsPage(msgspec.Struct, frozen=True, kw_only=True):
    """reads: by number; those without one come last. through: all up to there was looked at.
    unsealed: how many wait for their numbers. next: asks for what follows `through`.
    """

    reads: list[Raw]
    through: int
    unsealed: int
    next: str
