"""A project as the references see it: events and the records beside them, as they are now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

Json = Any
NO_GROUPS = ("", "", "", "", "")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """at: UTC. person_id: as it was at capture. groups: the key of each group type, "" for none.

    stored: when it arrived; None: at once.
    """

    uuid: UUID
    event: str
    at: datetime
    person_id: UUID
    distinct_id: str = ""
    session_id: str = ""
    groups: tuple[str, ...] = NO_GROUPS
    properties: Mapping[str, Json] = {}
    stored: datetime | None = None

    @property
    def arrived(self) -> datetime:
        return self.at if self.stored is None else self.stored


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a person or a group."""

    created_at: datetime
    properties: Mapping[str, Json] = {}


class World(msgspec.Struct, frozen=True, kw_only=True):
    """persons: by id; an event may be of a person without a record.

    merged: person -> who it is now; a target is never itself merged. groups: by type and key.
    lists: the people of each static cohort, under the ids that they had when they were put there.
    """

    events: tuple[Event, ...] = ()
    persons: Mapping[UUID, Record] = {}
    merged: Mapping[UUID, UUID] = {}
    groups: Mapping[tuple[int, str], Record] = {}
    lists: Mapping[int, frozenset[UUID]] = {}

    def person(self, event: Event) -> UUID:
        """Merges applied."""
        return self.merged.get(event.person_id, event.person_id)
