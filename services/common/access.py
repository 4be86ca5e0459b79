"""What a caller may do with what is theirs to see; alike for reads and writes."""

from contracts.events.dashboard import RestrictionLevel
from services.common.caller import Caller

EVERYONE: RestrictionLevel = 21
COLLABORATORS: RestrictionLevel = 37


def owns(created_by: int | None, caller: Caller) -> bool:
    """Whoever made it, and the organization's administrators."""
    return caller.is_administrator or created_by == caller.user.id


def may_edit_dashboard(
    restriction_level: RestrictionLevel, created_by: int | None, caller: Caller
) -> bool:
    """PostHog: UserDashboardPermissions.can_edit; there are no collaborators beside the owner."""
    return restriction_level < COLLABORATORS or owns(created_by, caller)
