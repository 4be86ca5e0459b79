"""Answers of the funnel endpoints and of the query endpoint."""

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.funnels import ShownResult
from contracts.api.jobs import JobBody
from contracts.api.times import Time
from contracts.json import JsonList, JsonObject, ObjectOrNull


class FunnelEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `insights/funnel/`. result: steps, trends or bins; null while a job runs.

    warnings: only when asked for; what the request says without effect.
    """

    result: ShownResult
    timezone: str
    is_cached: bool
    last_refresh: Time | None
    timings: JsonList
    hogql: str | None
    resolved_date_range: ObjectOrNull
    cache_target_age: Time | None
    next_allowed_client_refresh: Time | None
    query_status: JobBody | None
    warnings: list[str] | UnsetType = UNSET


class TrendEnvelope(FunnelEnvelope, frozen=True, kw_only=True):
    """Answer of `insights/trend/`. result: rows; null while a job runs.

    next: the URL of the values of a breakdown that Other stands for, a limit's worth of them.
    changes, computed_to, late_changes, result_hash: only when asked for, as in `query/`: of the
    rows without their URLs.
    """

    next: str | None = None
    changes: JsonList | UnsetType = UNSET
    computed_to: int | str | UnsetType = UNSET
    late_changes: JsonList | UnsetType = UNSET
    result_hash: str | UnsetType = UNSET


class QueryStatusBody(msgspec.Struct, frozen=True):
    """Answer to a client that polls a job."""

    query_status: JobBody


class CancelQuery(msgspec.Struct, frozen=True):
    """Body of POST insights/cancel/."""

    client_query_id: str


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST query/. refresh: a mode, or true; async: as the mode `async`.

    include: ours; additions to any answer: warnings; to a funnel's: pending, baseline; to a
    correlation's: p_value; to those of trends, stickiness and lifecycles: changes,
    incomplete, late, result_hash.
    """

    query: JsonObject
    refresh: str | bool | None = None
    client_query_id: str | None = None
    async_: bool | UnsetType = msgspec.field(default=UNSET, name="async")
    filters_override: ObjectOrNull | UnsetType = UNSET
    include: str | list[str] | None = None
