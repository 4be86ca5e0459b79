"""The access rules of one insight, or of a project for all of its insights."""

from datetime import datetime

import msgspec

from contracts.events.access import Grantee, Level

WHOLE_PROJECT = 0
"""Stands where an insight's number would, for the rules of a project."""


class AccessRule(msgspec.Struct, frozen=True, kw_only=True):
    """grantee: None for everyone. created_by: the user who made it first; None for the system."""

    grantee: Grantee | None
    level: Level
    created_by: int | None
    created_at: datetime
    updated_at: datetime


class AccessRow(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of one stream, oldest first, at most one for each grantee.

    insight_id: WHOLE_PROJECT for a project's. position: of the stream's last fact in the log.
    version: of the stream.
    """

    team_id: int
    insight_id: int
    rules: tuple[AccessRule, ...] = ()
    position: int = 0
    version: int = 0

    def rule_of(self, grantee: Grantee | None) -> AccessRule | None:
        return next((rule for rule in self.rules if same_grantee(rule.grantee, grantee)), None)


def same_grantee(one: Grantee | None, other: Grantee | None) -> bool:
    """By the user: a membership that ended and began again is the same person."""
    return (one and one.user_id) == (other and other.user_id)
