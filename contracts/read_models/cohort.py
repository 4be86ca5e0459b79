"""The cohort as readers see it, and as queries are planned with it."""

from datetime import datetime

import msgspec
from msgspec import Raw


class CohortRow(msgspec.Struct, frozen=True, kw_only=True):
    """count: people ever added to a static one; their ids are in a table of its own.

    filters: of a dynamic one. version: of its stream.
    """

    team_id: int
    cohort_id: int
    name: str | None
    description: str
    is_static: bool
    filters: Raw
    count: int = 0
    deleted: bool = False
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    version: int
