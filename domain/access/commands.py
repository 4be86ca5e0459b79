"""The commands on access rules."""

import msgspec

from contracts.events.access import Grantee, Level


class SetAccess(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. insight_id: None for all insights of the project. level: None takes it away.

    grantee: None for everyone.
    """

    insight_id: int | None
    grantee: Grantee | None
    level: Level | None
