"""Names of a project's events and of their properties: tools look them up before they query."""

from typing import Literal
from uuid import UUID

import msgspec

from contracts.api.times import Time

PropertyType = Literal["String", "Numeric", "Boolean"]


class EventDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """An event name that was captured. created_at: when the first of them arrived.

    last_seen_at: the time of the newest. Nobody edits definitions here: the rest never changes.
    """

    id: UUID
    name: str
    created_at: Time
    last_seen_at: Time
    owner: None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    updated_at: None = None
    updated_by: None = None
    verified: bool = False
    verified_at: None = None
    verified_by: None = None
    hidden: bool = False
    is_action: bool = False
    post_to_slack: bool = False


class PropertyDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A property of events, persons or groups. property_type: String, too, where values differ.

    is_seen_on_filtered_events: whether any event of `event_names` has it; null when none is named.
    """

    id: UUID
    name: str
    property_type: PropertyType
    is_numerical: bool
    is_seen_on_filtered_events: bool | None
    description: str = ""
    tags: tuple[str, ...] = ()
    updated_at: None = None
    updated_by: None = None
    verified: bool = False
    verified_at: None = None
    verified_by: None = None
    hidden: bool = False
