"""A job as `query_status` and the polling endpoint show it."""

from uuid import UUID

import msgspec

from contracts.api.funnels import ShownResult
from contracts.api.times import Time


class QueryProgress(msgspec.Struct, frozen=True, kw_only=True):
    """rows_total: as far as the engine knows. time_elapsed, active_cpu_time: seconds."""

    rows_read: int = 0
    rows_total: int | None = None
    bytes_read: int = 0
    time_elapsed: float = 0.0
    active_cpu_time: float = 0.0


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """results: only where the job is polled, once it is complete."""

    id: UUID
    team_id: int
    insight_id: int | None
    dashboard_id: int | None
    query_async: bool = True
    complete: bool
    error: bool
    error_message: str | None
    results: ShownResult
    start_time: Time
    pickup_time: Time | None
    end_time: Time | None
    expiration_time: Time
    task_id: str | None = None
    labels: list[str] | None = None
    query_progress: QueryProgress | None = None
