"""The caller's access to an insight and to a dashboard; alike for reads and writes.

Reads compute an insight's level in their statement (`services.query.reads.access`), writes here:
a test holds the two together.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from contracts.events.access import Level
from contracts.events.dashboard import RestrictionLevel
from contracts.read_models.access import WHOLE_PROJECT, AccessRow
from contracts.read_models.dashboard import DashboardRow
from services.common.http.caller import Caller
from services.common.http.problems import Rejected, forbidden

LEVELS: tuple[Level, ...] = get_args(Level)
"""Lowest first."""
RANK: dict[Level, int] = {level: rank for rank, level in enumerate(LEVELS)}
DEFAULT: Level = "editor"
EVERYBODY = 0
"""Stands where a user's number would, for a rule without a grantee."""

EVERYONE_EDITS: RestrictionLevel = 21
COLLABORATORS_EDIT: RestrictionLevel = 37


class Access(msgspec.Struct, frozen=True):
    """level: what the rules give. restriction: the highest of the insight's dashboards.

    privilege: 37 when one of them leaves the caller the right to edit, or there is none.
    """

    level: Level
    restriction: RestrictionLevel = EVERYONE_EDITS
    privilege: Literal[21, 37] = 37

    def require(self, level: Level) -> None:
        """Raises Rejected 403 below `level`, and for edits of what its dashboards keep closed."""
        if RANK[self.level] < RANK[level]:
            raise no_access(level)
        if not self.allows(level):
            raise forbidden("This insight is on a dashboard that can't be edited by you.")

    def allows(self, level: Level) -> bool:
        closed = RANK[level] >= RANK["editor"] and self.privilege < COLLABORATORS_EDIT
        return RANK[self.level] >= RANK[level] and not closed


UNLIMITED = Access("manager")


def no_access(level: Level) -> Rejected:
    """403, in PostHog's words."""
    return forbidden(f"You do not have {level} access to this resource.")


def owns(created_by: int | None, caller: Caller) -> bool:
    """Whether the caller made it, or is an administrator of the organization."""
    return caller.is_administrator or created_by == caller.user.id


def level_of(
    created_by: int | None, own: AccessRow | None, whole: AccessRow | None, caller: Caller
) -> Level:
    """Owners: manager. Else the highest of the insight's own rules for the caller; without any, of
    the project's; without any, the default. PostHog: UserAccessControl.access_level_for_object.

    own: the insight's rules; whole: the project's.
    """
    if owns(created_by, caller):
        return "manager"
    for row in (own, whole):
        given = [
            rule.level
            for rule in (row.rules if row else ())
            if rule.grantee is None or rule.grantee.user_id == caller.user.id
        ]
        if given:
            return max(given, key=RANK.__getitem__)
    return DEFAULT


def project_level(whole: AccessRow | None, caller: Caller) -> Level:
    """For what no insight says otherwise: making one, above all."""
    return level_of(None, None, whole, caller)


def may_edit_rules(access: Access, whole: AccessRow | None, number: int, caller: Caller) -> bool:
    """The insight's rules are its managers'; the project's, its managers'.

    access: to the insight; whole: the project's rules; number: the insight's, or WHOLE_PROJECT.
    """
    level = project_level(whole, caller) if number == WHOLE_PROJECT else access.level
    return level == "manager"


def restricted(level: Level, dashboards: Iterable[DashboardRow], caller: Caller) -> Access:
    """The level together with what the dashboards leave of it. One open one lets everybody edit.

    PostHog: of both, the highest of any dashboard counts (test_insight_permissions).
    """
    there = list(dashboards)
    may = [may_edit_dashboard(each.restriction_level, each.created_by, caller) for each in there]
    return Access(
        level,
        max((each.restriction_level for each in there), default=EVERYONE_EDITS),
        37 if any(may) or not may else 21,
    )


def may_edit_dashboard(
    restriction_level: RestrictionLevel, created_by: int | None, caller: Caller
) -> bool:
    """PostHog: UserDashboardPermissions.can_edit; there are no collaborators beside the owner."""
    return restriction_level < COLLABORATORS_EDIT or owns(created_by, caller)
