"""Actions on the wire: what a client sends, and the bodies it gets."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.api.insights import UserBody
from contracts.api.text import Name, Text
from contracts.api.times import Time, written
from contracts.queries.actions import ActionStep, Matching
from contracts.read_models.action import ActionRow


class WriteAction(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST and PATCH of an action. UNSET: not sent. Other members are ignored."""

    name: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    steps: tuple[ActionStep, ...] | UnsetType | None = UNSET
    deleted: bool | UnsetType = UNSET


class StepBody(msgspec.Struct, frozen=True, kw_only=True):
    """A step with all its members, set or not."""

    event: str | None = None
    properties: Any = None
    selector: str | None = None
    tag_name: str | None = None
    text: str | None = None
    text_matching: Matching | None = None
    href: str | None = None
    href_matching: Matching | None = None
    url: str | None = None
    url_matching: Matching | None = "contains"


_steps = msgspec.json.Decoder(tuple[StepBody, ...])


class ActionBody(msgspec.Struct, frozen=True, kw_only=True):
    """An action as every answer carries it."""

    id: int
    name: str | None
    description: str
    post_to_slack: bool = False
    slack_message_format: str = ""
    steps: tuple[StepBody, ...]
    tags: tuple[()] = ()
    created_at: Time
    created_by: UserBody | None
    pinned_at: None = None
    deleted: bool
    is_calculating: bool = False
    last_calculated_at: Time
    team_id: int
    is_action: bool = True
    bytecode_error: None = None

    @classmethod
    def of(cls, row: ActionRow, created_by: UserBody | None) -> "ActionBody":
        return cls(
            id=row.action_id,
            name=row.name,
            description=row.description,
            steps=_shown(row.steps),
            created_at=written(row.created_at),
            created_by=created_by,
            deleted=row.deleted,
            last_calculated_at=written(row.updated_at),
            team_id=row.team_id,
        )


def _shown(steps: Raw) -> tuple[StepBody, ...]:
    """Stored ones that this version can't read are not shown: one action breaks no list."""
    try:
        return _steps.decode(steps)
    except msgspec.ValidationError:
        return ()


class ActionPage(msgspec.Struct, frozen=True, kw_only=True):
    """GET actions/. next, previous: absolute URLs, null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: tuple[ActionBody, ...]
