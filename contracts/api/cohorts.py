"""Cohorts on the wire: what a client sends, and the bodies it gets."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from contracts.api.insights import UserBody
from contracts.api.people import PersonActor
from contracts.api.text import Name, Text
from contracts.api.times import Time, written
from contracts.json import EMPTY_OBJECT, JsonObject, ObjectOrNull
from contracts.read_models.cohort import CohortRow

MOST_AT_ONCE = 100_000
People = Annotated[tuple[UUID, ...], Meta(max_length=MOST_AT_ONCE)]
DistinctIds = Annotated[tuple[str, ...], Meta(max_length=MOST_AT_ONCE)]

NO_FILTERS = Raw(b'{"properties":{}}')
"""As PostHog shows a cohort without any: clients read filters.properties without asking first."""


class WriteCohort(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST and PATCH of a cohort. UNSET: not sent. Other members are ignored.

    filters: {"properties": group}; groups: the older form, each {"properties": […]}, any of them.
    person_ids, distinct_ids: people of a static cohort; a PATCH adds them. The first has PostHog's
    name for it, `_create_static_person_ids`, too. query, csv: PostHog's other ways to name people;
    refused, or a cohort would stay empty without a word.
    """

    name: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    is_static: bool | UnsetType = UNSET
    filters: ObjectOrNull | UnsetType = UNSET
    groups: tuple[Mapping[str, Any], ...] | UnsetType | None = UNSET
    person_ids: People = ()
    distinct_ids: DistinctIds = ()
    query: None = None
    csv: None = None
    create_static_person_ids: People = msgspec.field(name="_create_static_person_ids", default=())
    deleted: bool | UnsetType = UNSET


class CohortBody(msgspec.Struct, frozen=True, kw_only=True):
    """A cohort as every answer carries it. count: of a static one; else null, nothing is stored."""

    id: int
    name: str | None
    description: str
    groups: tuple[()] = ()
    deleted: bool
    filters: JsonObject
    query: None = None
    is_calculating: bool = False
    created_by: UserBody | None
    created_at: Time
    last_calculation: Time | None = None
    errors_calculating: int = 0
    count: int | None
    is_static: bool
    cohort_type: Literal["static", "person_property"]
    team_id: int

    @classmethod
    def of(cls, row: CohortRow, created_by: UserBody | None) -> "CohortBody":
        return cls(
            id=row.cohort_id,
            name=row.name,
            description=row.description,
            deleted=row.deleted,
            filters=NO_FILTERS if row.filters == EMPTY_OBJECT else row.filters,
            created_by=created_by,
            created_at=written(row.created_at),
            last_calculation=written(row.updated_at) if row.is_static else None,
            count=row.count if row.is_static else None,
            is_static=row.is_static,
            cohort_type="static" if row.is_static else "person_property",
            team_id=row.team_id,
        )


class CohortPage(msgspec.Struct, frozen=True, kw_only=True):
    """GET cohorts/. next, previous: absolute URLs, null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[CohortBody, ...]


class CohortPeoplePage(msgspec.Struct, frozen=True, kw_only=True):
    """GET cohorts/:id/persons/. Without a count, as PostHog has it."""

    results: tuple[PersonActor, ...]
    next: str | None
    previous: str | None
