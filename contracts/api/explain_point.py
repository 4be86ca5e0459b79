"""Why a point of trends, stickiness or a lifecycle is the number that it is: event by event."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.times import Time
from contracts.json import JsonObject

Reason = Literal[
    "series_filter", "query_filter", "test_account_filter", "day_of_week", "no_profile", "no_actor",
    "not_sampled", "other_row", "not_first", "counted_before", "too_few", "other_number",
    "other_status", "not_counted",
]  # fmt: skip


class ExplainedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the series that lies in the point's time.

    position: of its message in the stream of captured events (`Ingest-Position`); null where none
    is known. arrived: when it was stored. late: more than an hour after the point's period; absent
    where the number is of no one period. actor: id of the person as it is now, key of the group, or
    value of the expression. counts: whether it is part of the number. reason, detail: why not, the
    first that applies, and the same as a sentence.

    reason: a filter took it out (`series_filter`, `query_filter`, `test_account_filter`,
    `day_of_week`), or it is nobody's (`no_profile`, `no_actor`, `not_sampled`), or it counts
    elsewhere: in another row (`other_row`), not being its actor's first (`not_first`), its actor
    having been counted in an earlier period (`counted_before`), among too few in its interval
    (`too_few`), for another number of intervals (`other_number`), another status (`other_status`).
    """

    uuid: str
    event: str
    distinct_id: str
    timestamp: Time
    arrived: Time
    position: int | str | None
    late: bool | UnsetType = UNSET
    actor: str
    counts: bool
    reason: Reason | None = None
    detail: str | None = None


class PointExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """counted, missed: how many events count, and how many were looked at and don't.

    results: a page of both, or of those asked for, by time. hasMore: whether more follow.
    """

    counted: int
    missed: int
    results: list[ExplainedEvent]
    hasMore: bool


class ExplainPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Which number to explain: as an InsightActorsQuery points at it.

    source: the query of the trend, stickiness or lifecycle. only: the events that count, or the
    others; both when absent.
    """

    source: JsonObject
    day: Annotated[
        str | int | UnsetType | None,
        Meta(description="One of `days`; of stickiness so many intervals. Absent: the whole row."),
    ] = UNSET
    series: Annotated[int | UnsetType | None, Meta(description="From 0, the first.")] = UNSET
    breakdown: Annotated[
        str | int | float | list[str | int | float] | UnsetType | None,
        Meta(description="The row's breakdown_value."),
    ] = UNSET
    compare: Literal["current", "previous"] | UnsetType | None = UNSET
    status: Annotated[
        Literal["new", "returning", "resurrecting", "dormant"] | UnsetType | None,
        Meta(description="Of a lifecycle."),
    ] = UNSET
    operator: Annotated[
        Literal["gte", "lte", "exact"] | UnsetType | None,
        Meta(description="Of stickiness: at least, at most or exactly so many intervals."),
    ] = UNSET
    only: Literal["counted", "missed"] | UnsetType | None = UNSET
    limit: Annotated[int | UnsetType | None, Meta(description="100 unless given.")] = UNSET
    offset: Annotated[int | UnsetType | None, Meta(description="0 unless given.")] = UNSET
