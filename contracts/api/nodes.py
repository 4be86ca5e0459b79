"""Answers of `query/` as they are documented; the members of `extra` differ by kind of node."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.funnels import ShownResult
from contracts.api.jobs import JobBody
from contracts.api.times import Time
from contracts.api.trends import DefinitionChange, LateChange
from contracts.json import ObjectOrNull


class NodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """results: of a funnel its steps, trends or bins; null while a job runs.

    total_median_conversion_time: seconds from first to last step, of those who completed.
    changes, computed_to, late_changes, result_hash, warnings: only when asked for.
    columns … missing_actors_count: of an ActorsQuery, whose results are rows of these columns.
    """

    results: ShownResult
    is_cached: bool
    last_refresh: Time | None
    cache_target_age: Time | None
    next_allowed_client_refresh: Time | None
    timezone: str
    hogql: str | None
    timings: list[dict[str, Any]]
    modifiers: dict[str, Any]
    resolved_date_range: ObjectOrNull
    query_status: JobBody | None
    total_median_conversion_time: float | UnsetType | None = UNSET
    changes: list[DefinitionChange] | UnsetType = UNSET
    computed_to: int | str | UnsetType = UNSET
    late_changes: list[LateChange] | UnsetType = UNSET
    result_hash: str | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET
    columns: list[str] | UnsetType = UNSET
    types: list[str] | UnsetType = UNSET
    hasMore: bool | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    offset: int | UnsetType = UNSET
    missing_actors_count: int | UnsetType = UNSET
