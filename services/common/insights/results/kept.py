"""A kept result, and the members of an answer that tell of it."""

from datetime import datetime

import msgspec
from msgspec import Raw

from contracts.api.insights import ResultFields
from contracts.ingest_position import IngestPosition
from contracts.json import NULL
from services.common.insights.results.freshness import ResultAge, next_refresh, target_age


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a computation, as it is kept: documents that answers carry as they are.

    extra: members of the query endpoint's answer beside `results`.
    warnings: sentences on what the query asks for and its data cut off.
    """

    results: Raw
    hogql: str | None = None
    columns: Raw = NULL
    types: Raw = NULL
    has_more: bool | None = None
    resolved_date_range: Raw = NULL
    timings: Raw = Raw(b"[]")
    extra: dict[str, Raw] = {}
    warnings: tuple[str, ...] = ()


class KeptResult(msgspec.Struct, frozen=True):
    """A kept result. reached: the position of captured events that it has seen."""

    result: Result
    computed: ResultAge
    reached: IngestPosition | None = None


def shown_fields(
    cached: KeptResult, now: datetime, *, is_cached: bool = True, status: Raw = NULL
) -> ResultFields:
    """now: by the database's clock."""
    result, computed = cached.result, cached.computed
    return ResultFields(
        result=result.results,
        last_refresh=computed.last_refresh,
        cache_target_age=target_age(computed),
        next_allowed_client_refresh=next_refresh(computed, now),
        is_cached=is_cached,
        hasMore=result.has_more,
        columns=result.columns,
        types=result.types,
        hogql=result.hogql,
        query_status=status,
        resolved_date_range=result.resolved_date_range,
    )
