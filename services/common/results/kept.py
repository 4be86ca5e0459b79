"""A kept result: its row, and the members of an answer that tell of it."""

import msgspec
from msgspec import Raw
from psycopg.rows import TupleRow

from contracts.api.insights import ResultFields
from contracts.json import NULL
from services.common.results.freshness import Computed, next_refresh, target_age

# `moved`: events in its range, or who is who, changed since. `late`: in a month that was over then.
COLUMNS = """
    r.body, r.dependencies, r.query_interval, r.date_to, r.last_refresh,
    EXISTS (SELECT FROM event_watermarks w WHERE w.team_id = r.team_id AND w.version > r.reached
        AND w.month + interval '1 month' > coalesce(r.date_from, '-infinity')
        AND w.month <= coalesce(r.date_to, 'infinity'))
    OR EXISTS (SELECT FROM identity_watermarks i
        WHERE i.team_id = r.team_id AND i.version > r.reached) AS moved,
    EXISTS (SELECT FROM event_watermarks w WHERE w.team_id = r.team_id AND w.version > r.reached
        AND w.month + interval '1 month' > coalesce(r.date_from, '-infinity')
        AND w.month <= coalesce(r.date_to, 'infinity')
        AND w.month + interval '1 month' <= r.started_at) AS late"""

COUNT = 7
"""How many columns that is."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a computation gives, as it is kept: documents that answers carry as they are.

    extra: members of the query endpoint's answer beside `results`.
    """

    results: Raw
    hogql: str | None = None
    columns: Raw = NULL
    types: Raw = NULL
    has_more: bool | None = None
    resolved_date_range: Raw = NULL
    timings: Raw = Raw(b"[]")
    extra: dict[str, Raw] = {}


class Cached(msgspec.Struct, frozen=True):
    """A kept result. dependencies: the digest it was computed under."""

    result: Result
    computed: Computed
    dependencies: bytes


def of_row(row: TupleRow, dependencies: bytes | None) -> Cached:
    """From COLUMNS, in their order."""
    body, under, interval, date_to, last_refresh, moved, late = row
    return Cached(
        msgspec.json.decode(body, type=Result),
        Computed(
            last_refresh=last_refresh,
            interval=interval,
            date_to=date_to,
            moved=moved,
            late=late,
            outdated=dependencies is not None and bytes(under) != dependencies,
        ),
        bytes(under),
    )


def shown_fields(cached: Cached, *, is_cached: bool = True, status: Raw = NULL) -> ResultFields:
    result, computed = cached.result, cached.computed
    return ResultFields(
        result=result.results,
        last_refresh=computed.last_refresh,
        cache_target_age=target_age(computed),
        next_allowed_client_refresh=next_refresh(computed),
        is_cached=is_cached,
        hasMore=result.has_more,
        columns=result.columns,
        types=result.types,
        hogql=result.hogql,
        query_status=status,
        resolved_date_range=result.resolved_date_range,
    )
