"""The commands on a cohort."""

from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.json import EMPTY_OBJECT


class CreateCohort(msgspec.Struct, frozen=True, kw_only=True):
    """people: of a static one. filters: of any other."""

    cohort_id: int
    name: str | None = None
    description: str = ""
    is_static: bool = False
    filters: Raw = EMPTY_OBJECT
    people: tuple[UUID, ...] = ()


class EditCohort(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. people: those that come into a static one besides."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    filters: Raw | UnsetType = UNSET
    people: tuple[UUID, ...] = ()
    deleted: bool | UnsetType = UNSET


CohortCommand = CreateCohort | EditCohort
