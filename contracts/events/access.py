"""Facts of who may do what: of one insight's rules, or of a project's for all of its insights."""

from typing import Literal
from uuid import UUID

import msgspec

from contracts.events.fact import Fact

Level = Literal["none", "viewer", "editor", "manager"]


class Grantee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member of the organization: the user, and the membership that clients name them by."""

    user_id: int
    member_id: UUID


class AccessGranted(Fact, frozen=True, tag="access.granted.v1"):
    """insight_id: None for all insights of the project. grantee: None for everyone.

    previous: the level that the same rule gave before; None for a new rule.
    """

    insight_id: int | None
    grantee: Grantee | None
    level: Level
    previous: Level | None


class AccessRevoked(Fact, frozen=True, tag="access.revoked.v1"):
    """The rule is gone: what is said elsewhere counts again."""

    insight_id: int | None
    grantee: Grantee | None
    previous: Level


AccessEvent = AccessGranted | AccessRevoked
