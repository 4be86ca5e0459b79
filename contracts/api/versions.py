"""Versions on the wire: what an operation did to a thing, and what differs between two moments."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.api.accounts import ProjectBody
from contracts.api.actions import ActionBody
from contracts.api.cohorts import CohortBody
from contracts.api.dashboards import DashboardBody
from contracts.api.insights import InsightBody, UserBody
from contracts.api.times import Time, written
from contracts.differences.difference import Difference
from contracts.json import JsonList
from contracts.read_models.version import VersionActivity, VersionEntry
from contracts.triggers import Trigger


class VersionUser(msgspec.Struct, frozen=True, kw_only=True):
    """The user who did it. is_system: there only when Recount itself did, and then nothing else
    is but the first name.
    """

    id: int | UnsetType = UNSET
    uuid: UUID | UnsetType = UNSET
    distinct_id: str | UnsetType = UNSET
    first_name: str
    last_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    is_email_verified: bool | UnsetType = UNSET
    is_system: bool | UnsetType = UNSET

    @classmethod
    def of(cls, number: int | None, users: Mapping[int, UserBody]) -> "VersionUser | None":
        """number: None for the system. None: the user is gone."""
        if number is None:
            return cls(first_name="System", is_system=True)
        user = users.get(number)
        if user is None:
            return None
        return cls(
            id=user.id,
            uuid=user.uuid,
            distinct_id=user.distinct_id,
            first_name=user.first_name,
            last_name=user.last_name,
            email=user.email,
            is_email_verified=user.is_email_verified,
        )


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One field, by its name on the wire. patch: RFC 6902, of a document, when it is asked for."""

    field: str
    before: Raw
    after: Raw
    patch: JsonList | UnsetType = UNSET


class VersionBody(msgspec.Struct, frozen=True, kw_only=True):
    """One operation on one thing. first_version … version: its facts there.

    position, sequence: of the operation's last fact, in the log and in the project. user: null for
    one who is gone. sentences: what it did, in words. changes: none for the creation.
    """

    version: int
    first_version: int
    position: int
    sequence: int
    at: Time
    user: VersionUser | None
    key_id: str | None
    operation_id: UUID
    activity: VersionActivity
    trigger: Trigger | None
    results_can_change: bool
    sentences: tuple[str, ...]
    changes: tuple[FieldDifference, ...]

    @classmethod
    def of(
        cls,
        entry: VersionEntry,
        found: Difference,
        users: Mapping[int, UserBody],
        trigger: Trigger | None,
        *,
        patch: bool,
    ) -> "VersionBody":
        """users: at least the one who did it, if still there. patch: documents as patches, too."""
        return cls(
            version=entry.version,
            first_version=entry.first_version,
            position=entry.position,
            sequence=entry.sequence,
            at=written(entry.at),
            user=VersionUser.of(entry.user_id, users),
            key_id=entry.key_id,
            operation_id=entry.operation_id,
            activity=entry.activity,
            trigger=trigger,
            results_can_change=found.results_can_change,
            sentences=found.sentences,
            changes=field_differences(found, patch=patch),
        )


class VersionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. count: of all that are asked for. next: an absolute URL."""

    count: int
    next: str | None
    previous: None = None
    results: tuple[VersionBody, ...]


class InsightThen(msgspec.Struct, frozen=True):
    insight: InsightBody


class DashboardThen(msgspec.Struct, frozen=True):
    dashboard: DashboardBody


class ActionThen(msgspec.Struct, frozen=True):
    action: ActionBody


class CohortThen(msgspec.Struct, frozen=True):
    cohort: CohortBody


class ProjectThen(msgspec.Struct, frozen=True):
    project: ProjectBody


class DiffEnd(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a difference: the version that stood there."""

    version: int
    position: int
    at: Time

    @classmethod
    def of(cls, entry: VersionEntry) -> "DiffEnd":
        return cls(version=entry.version, position=entry.position, at=written(entry.at))


class DiffBody(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What differs between two moments. from: null before the first version.

    results_can_change: false is a proof, true a maybe. versions: those that lie between, with the
    later side, oldest first.
    """

    from_: DiffEnd | None
    to: DiffEnd
    results_can_change: bool
    sentences: tuple[str, ...]
    changes: tuple[FieldDifference, ...]
    versions: tuple[int, ...]


def field_differences(found: Difference, *, patch: bool) -> tuple[FieldDifference, ...]:
    return tuple(
        FieldDifference(
            field=change.field,
            before=change.before,
            after=change.after,
            patch=(change.patch() or UNSET) if patch else UNSET,
        )
        for change in found.changes
    )
