"""Insights on the wire: what a client sends, and the bodies it gets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from contracts.api.funnels import ShownResult
from contracts.api.text import Name, Tag
from contracts.api.times import Time, written
from contracts.json import NULL, JsonList, JsonObject, ListOrNull, ObjectOrNull
from contracts.read_models.insight import InsightRow, TileRow

AsGiven = Annotated[str, Meta(max_length=400)]
Order = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
AccessLevel = Literal["none", "viewer", "editor", "manager"]


class WriteInsight(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST, PUT and PATCH of an insight. UNSET: not sent. Other members are ignored.

    filters, query: kept as sent; the document `null` clears (see `contracts.json`).
    """

    name: Name | UnsetType | None = UNSET
    derived_name: AsGiven | UnsetType | None = UNSET
    description: Name | UnsetType | None = UNSET
    filters: ObjectOrNull | UnsetType = UNSET
    query: ObjectOrNull | UnsetType = UNSET
    order: Order | UnsetType | None = UNSET
    deleted: bool | UnsetType = UNSET
    dashboards: tuple[int, ...] | UnsetType = UNSET
    tags: tuple[Tag, ...] | UnsetType = UNSET
    favorited: bool | UnsetType = UNSET
    saved: bool | UnsetType = UNSET


class UserBody(msgspec.Struct, frozen=True, kw_only=True):
    """A user in `created_by` and `last_modified_by`."""

    id: int
    uuid: UUID
    distinct_id: str
    first_name: str
    last_name: str
    email: str
    is_email_verified: bool
    hedgehog_config: dict[str, str] = {}


class TileBody(msgspec.Struct, frozen=True):
    id: int
    dashboard_id: int
    deleted: bool = False


class ResultFields(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an insight's body that are about its result; the default: there is none.

    cache_target_age: from then on the result is stale.
    next_allowed_client_refresh: before then a client's force_* is answered from the cache.
    changes, computed_to, late_changes, result_hash, warnings: only when asked for.
    """

    result: Raw = NULL
    last_refresh: datetime | None = None
    cache_target_age: datetime | None = None
    next_allowed_client_refresh: datetime | None = None
    is_cached: bool = False
    hasMore: bool | None = None
    columns: Raw = NULL
    types: Raw = NULL
    hogql: str | None = None
    query_status: Raw = NULL
    resolved_date_range: Raw = NULL
    changes: JsonList | UnsetType = UNSET
    computed_to: int | str | UnsetType = UNSET
    late_changes: JsonList | UnsetType = UNSET
    result_hash: str | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET


NO_RESULT = ResultFields()


class TileLook(msgspec.Struct, frozen=True):
    """The settings of an insight's tile on one dashboard."""

    color: str | None
    layouts: Raw


class InsightContext(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an insight's body that come from beyond its own stream.

    users: at least the ones the row names.
    shown_query: the query node to show when it is not the stored one (converted filters, a
    dashboard's override); the document `null`: show what is stored.
    tile: the tile it is read from, if it is read from a dashboard.
    """

    users: Mapping[int, UserBody]
    timezone: str
    access_level: AccessLevel = "editor"
    restriction_level: Literal[21, 37] = 21
    privilege_level: Literal[21, 37] = 37
    last_viewed_at: datetime | None = None
    result: ResultFields = NO_RESULT
    shown_query: Raw = NULL
    tile: TileLook | None = None


class InsightBody(msgspec.Struct, frozen=True, kw_only=True):
    """An insight as every answer carries it: all members present, null where empty."""

    id: int
    short_id: str
    name: str | None
    derived_name: str | None
    filters: JsonObject
    query: ObjectOrNull
    order: int | None
    deleted: bool
    dashboards: tuple[int, ...]
    dashboard_tiles: tuple[TileBody, ...]
    last_refresh: Time | None
    cache_target_age: Time | None
    next_allowed_client_refresh: Time | None
    result: ShownResult
    hasMore: bool | None
    columns: ListOrNull
    created_at: Time
    created_by: UserBody | None
    description: str | None
    updated_at: Time
    tags: tuple[str, ...]
    favorited: bool
    saved: bool
    last_modified_at: Time
    last_modified_by: UserBody | None
    is_sample: bool
    effective_restriction_level: Literal[21, 37]
    effective_privilege_level: Literal[21, 37]
    user_access_level: AccessLevel
    timezone: str
    is_cached: bool
    query_status: ObjectOrNull
    hogql: str | None
    types: ListOrNull
    last_viewed_at: Time | None
    alerts: tuple[()] = ()
    resolved_date_range: ObjectOrNull
    color: str | UnsetType | None = UNSET
    layouts: ObjectOrNull | UnsetType = UNSET
    changes: JsonList | UnsetType = UNSET
    computed_to: int | str | UnsetType = UNSET
    late_changes: JsonList | UnsetType = UNSET
    result_hash: str | UnsetType = UNSET
    warnings: list[str] | UnsetType = UNSET

    @classmethod
    def of(cls, row: InsightRow, context: InsightContext) -> "InsightBody":
        """The row in this context: PATCH answers with it, and so does every later GET."""
        result = context.result
        tiles = live_tiles(row)
        return cls(
            id=row.insight_id,
            short_id=row.short_id,
            name=row.name,
            derived_name=row.derived_name,
            filters=row.filters,
            query=_shown(row, context),
            order=row.order,
            deleted=row.deleted,
            dashboards=tuple(tile.dashboard_id for tile in tiles),
            dashboard_tiles=tuple(TileBody(tile.id, tile.dashboard_id) for tile in tiles),
            last_refresh=written(result.last_refresh),
            cache_target_age=written(result.cache_target_age),
            next_allowed_client_refresh=written(result.next_allowed_client_refresh),
            result=result.result,
            hasMore=result.hasMore,
            columns=result.columns,
            created_at=written(row.created_at),
            created_by=_user(row.created_by, context),
            description=row.description,
            updated_at=written(row.updated_at),
            tags=row.tags,
            favorited=row.favorited,
            saved=row.saved,
            last_modified_at=written(row.last_modified_at),
            last_modified_by=_user(row.last_modified_by, context),
            is_sample=row.is_sample,
            effective_restriction_level=context.restriction_level,
            effective_privilege_level=context.privilege_level,
            user_access_level=context.access_level,
            timezone=context.timezone,
            is_cached=result.is_cached,
            query_status=result.query_status,
            hogql=result.hogql,
            types=result.types,
            last_viewed_at=written(context.last_viewed_at),
            resolved_date_range=result.resolved_date_range,
            color=UNSET if context.tile is None else context.tile.color,
            layouts=UNSET if context.tile is None else context.tile.layouts,
            changes=result.changes,
            computed_to=result.computed_to,
            late_changes=result.late_changes,
            result_hash=result.result_hash,
            warnings=result.warnings,
        )


class BasicInsight(msgspec.Struct, frozen=True, kw_only=True):
    """The basic shape: these 20 members and no more. PostHog: InsightBasicSerializer."""

    id: int
    short_id: str
    name: str | None
    derived_name: str | None
    filters: JsonObject
    query: ObjectOrNull
    dashboards: tuple[int, ...]
    dashboard_tiles: tuple[TileBody, ...]
    description: str | None
    last_refresh: Time | None
    refreshing: bool = False
    saved: bool
    tags: tuple[str, ...]
    updated_at: Time
    created_by: UserBody | None
    created_at: Time
    last_modified_at: Time
    favorited: bool
    user_access_level: AccessLevel
    last_viewed_at: Time | None

    @classmethod
    def of(cls, row: InsightRow, context: InsightContext) -> "BasicInsight":
        tiles = live_tiles(row)
        return cls(
            id=row.insight_id,
            short_id=row.short_id,
            name=row.name,
            derived_name=row.derived_name,
            filters=row.filters,
            query=_shown(row, context),
            dashboards=tuple(tile.dashboard_id for tile in tiles),
            dashboard_tiles=tuple(TileBody(tile.id, tile.dashboard_id) for tile in tiles),
            description=row.description,
            last_refresh=written(context.result.last_refresh),
            saved=row.saved,
            tags=row.tags,
            updated_at=written(row.updated_at),
            created_by=_user(row.created_by, context),
            created_at=written(row.created_at),
            last_modified_at=written(row.last_modified_at),
            favorited=row.favorited,
            user_access_level=context.access_level,
            last_viewed_at=written(context.last_viewed_at),
        )


def live_tiles(row: InsightRow) -> tuple[TileRow, ...]:
    """The tiles in sight: a deleted insight has none, and gets them back when it is restored."""
    return () if row.deleted else tuple(tile for tile in row.tiles if not tile.deleted)


def _shown(row: InsightRow, context: InsightContext) -> Raw:
    return row.query if bytes(context.shown_query) == b"null" else context.shown_query


def _user(number: int | None, context: InsightContext) -> UserBody | None:
    return None if number is None else context.users.get(number)
