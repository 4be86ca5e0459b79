"""The action as readers see it, and as funnels are planned with it."""

from datetime import datetime

import msgspec
from msgspec import Raw


class ActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """steps: a JSON list of contracts.queries.actions.ActionStep. version: of its stream."""

    team_id: int
    action_id: int
    name: str | None
    description: str
    steps: Raw
    deleted: bool = False
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    version: int
