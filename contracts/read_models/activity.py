"""The activity log: one entry per operation and thing that it touched."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.read_models.insight import TileRow

Scope = Literal[
    "Insight", "Dashboard", "Action", "Cohort", "Team", "Webhook", "BusConsumer", "Audit"
]
"""The kind of thing, in PostHog's words where it has one; Team is the project."""

ADMINISTRATORS_SCOPES: frozenset[Scope] = frozenset({"Webhook", "BusConsumer", "Audit"})
"""Of things that only administrators may see."""

ACTIVITIES: frozenset[str] = frozenset(
    {
        "created",
        "updated",
        "deleted",
        "restored",
        "viewed",
        "share_login_success",
        "share_login_failed",
        "sharing enabled",
        "sharing disabled",
        "sharing changed",
        "access token refreshed",
        "access changed",
        "paused",
        "resumed",
        "disabled",
        "secret rotated",
        "lane parked",
        "lane released",
        "reads expired",
        "key rotated",
        "healed",
        "erasure requested",
        "erased",
        "erasure completed",
        "hold placed",
        "hold lifted",
    }
)
"""The names of what entries tell."""


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One field's before and after, as they are shown; `null` is a document too.

    action: created when there was nothing before, deleted when there is nothing after.
    """

    type: str = "Insight"
    action: Literal["created", "changed", "deleted"]
    field: str
    before: Raw
    after: Raw


class ActivitySubject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the log must remember of a thing to tell its next change.

    item_id: the id that clients know it by. tiles: of an insight. people: of a static cohort, how
    many were ever added.
    """

    item_id: str
    name: str | None = None
    derived_name: str | None = None
    short_id: str = ""
    tiles: tuple[TileRow, ...] = ()
    people: int = 0


class ActivityDetails(msgspec.Struct, frozen=True, gc=False):
    """The part of an entry that nobody searches.

    changes: None for `created`, else in the order of the facts.
    name: the thing's, of an insight else its derived name, at that moment.
    short_id: of an insight; empty for anything else.
    """

    changes: tuple[Change, ...] | None
    name: str | None
    short_id: str


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. id: UUIDv5 of operation and stream, so that a replay gives the same.

    item_id: the thing's, as clients know it. insight_id: the insight's number in scope Insight.
    at: of its first fact. position, sequence: of its last one, in the log and in the project.
    user_id: None for the system. key_id: of the key it came with. quiet: shown under `?all=true`
    only.
    """

    id: UUID
    team_id: int
    scope: Scope
    item_id: str
    insight_id: int | None
    activity: str
    user_id: int | None
    key_id: str | None
    operation_id: UUID
    at: datetime
    position: int
    sequence: int
    quiet: bool
    details: ActivityDetails
