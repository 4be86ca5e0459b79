"""Answers of the funnel endpoints and of the query endpoint."""

from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.api.jobs import JobBody


class FunnelEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """What `insights/funnel/` answers. result: steps, trends or bins; null while a job runs."""

    result: Raw
    timezone: str
    is_cached: bool
    last_refresh: datetime | None
    timings: Raw
    hogql: str | None
    resolved_date_range: Raw
    cache_target_age: datetime | None
    next_allowed_client_refresh: datetime | None
    query_status: JobBody | None


class QueryStatusBody(msgspec.Struct, frozen=True):
    """What polling answers."""

    query_status: JobBody


class CancelQuery(msgspec.Struct, frozen=True):
    """Body of POST insights/cancel/."""

    client_query_id: str


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST query/. refresh: a mode, or true; async: as the mode `async`."""

    query: Raw
    refresh: str | bool | None = None
    client_query_id: str | None = None
    async_: bool | UnsetType = msgspec.field(default=UNSET, name="async")
    filters_override: Raw | UnsetType = UNSET
