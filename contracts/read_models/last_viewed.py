"""Who looked at which insight last, and when."""

from datetime import datetime

import msgspec


class LastViewedRow(msgspec.Struct, frozen=True):
    """viewed_at: only ever moves forward."""

    team_id: int
    user_id: int
    insight_id: int
    viewed_at: datetime
