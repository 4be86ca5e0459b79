"""Users, projects, organizations and keys on the wire: what clients ask for before insights."""

from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.text import ProjectName
from contracts.api.times import Time


class WriteProject(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST and PATCH of a project. UNSET: not sent. Other members are ignored."""

    name: ProjectName | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    week_start_day: Literal[0, 1] | UnsetType = UNSET
    test_account_filters: list[dict[str, Any]] | UnsetType = UNSET


class ProjectBody(msgspec.Struct, frozen=True, kw_only=True):
    """A project, or team. organization: its id."""

    id: int
    uuid: UUID
    organization: UUID
    name: str
    api_token: str
    timezone: str
    week_start_day: int
    test_account_filters: list[dict[str, Any]]
    created_at: Time


class ProjectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A project as an organization lists it."""

    id: int
    uuid: UUID
    name: str
    api_token: str
    timezone: str


class OrganizationSummary(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str


class OrganizationBody(msgspec.Struct, frozen=True, kw_only=True):
    """teams, projects: the same, under the old and the new name; those the key may enter.

    membership_level: the caller's; 1 member, 8 administrator, 15 owner.
    """

    id: UUID
    name: str
    created_at: Time
    membership_level: int
    teams: tuple[ProjectSummary, ...]
    projects: tuple[ProjectSummary, ...]


class MeBody(msgspec.Struct, frozen=True, kw_only=True):
    """The user whose key it is. team, organization: the current ones; null without any."""

    id: int
    uuid: UUID
    distinct_id: str
    first_name: str
    last_name: str
    email: str
    is_email_verified: bool
    team: ProjectBody | None
    organization: OrganizationBody | None
    organizations: tuple[OrganizationSummary, ...]


class KeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A personal API key, never its text. Lists are never null; empty ones do not limit."""

    id: str
    label: str
    scopes: list[str]
    scoped_teams: list[int]
    scoped_organizations: list[UUID]
    created_at: Time
    last_used_at: Time | None
    user_id: int


class MemberUser(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    uuid: UUID
    distinct_id: str
    first_name: str
    last_name: str
    email: str


class MemberBody(msgspec.Struct, frozen=True, kw_only=True):
    """A membership, whose id access rules name. level: 1 member, 8 administrator, 15 owner."""

    id: UUID
    user: MemberUser
    level: int
    joined_at: Time


Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A page of a list that is read whole: projects, organizations, members, definitions."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[Item, ...]
