"""Access rules on the wire. Answers carry these members and every member of the insight's body."""

from typing import Literal
from uuid import UUID

import msgspec

from contracts.api.times import Time, written
from contracts.events.access import Level
from contracts.read_models.access import WHOLE_PROJECT, AccessRow, AccessRule


class WriteAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Body of PUT insights/:id/access_controls/. access_level: null takes the rule away.

    organization_member: the id of a membership; neither it nor a role: the rule is everyone's.
    """

    access_level: str | None
    organization_member: str | None = None
    role: str | None = None


class AccessRuleBody(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. resource_id: the insight's number as text; null for all of the project's.

    created_by: the user's number.
    """

    access_level: Level
    resource: Literal["insight"] = "insight"
    resource_id: str | None
    organization_member: UUID | None
    role: None = None
    created_by: int | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: AccessRow, rule: AccessRule) -> "AccessRuleBody":
        return cls(
            access_level=rule.level,
            resource_id=None if row.insight_id == WHOLE_PROJECT else str(row.insight_id),
            organization_member=None if rule.grantee is None else rule.grantee.member_id,
            created_by=rule.created_by,
            created_at=written(rule.created_at),
            updated_at=written(rule.updated_at),
        )


class AccessBody(msgspec.Struct, frozen=True, kw_only=True):
    """GET of access rules, without what it shares with the insight: user_access_level."""

    access_controls: tuple[AccessRuleBody, ...]
    available_access_levels: tuple[Level, ...] = ("none", "viewer", "editor", "manager")
    default_access_level: Level = "editor"
    minimum_access_level: Level = "none"
    maximum_access_level: Level = "manager"
    user_can_edit_access_levels: bool

    @classmethod
    def of(cls, row: AccessRow | None, *, may_edit: bool) -> "AccessBody":
        """row: None where there was never a rule."""
        rules = () if row is None else tuple(AccessRuleBody.of(row, rule) for rule in row.rules)
        return cls(access_controls=rules, user_can_edit_access_levels=may_edit)


class SetRuleBody(msgspec.Struct, frozen=True, kw_only=True):
    """Members that PUT adds: those of the rule that was set, except where the insight has one of
    that name.
    """

    access_level: Level
    resource: Literal["insight"] = "insight"
    resource_id: str | None
    organization_member: UUID | None
    role: None = None


def joined(*bodies: bytes) -> bytes:
    """JSON objects, none of them empty and no name in two, as one."""
    return b"{" + b",".join(body[1:-1] for body in bodies) + b"}"
