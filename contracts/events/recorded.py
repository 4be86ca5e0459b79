"""A fact as it stands in the log, and the streams it can stand in."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID, uuid5

import msgspec

from contracts.events.access import AccessEvent
from contracts.events.action import ActionEvent
from contracts.events.cohort import CohortEvent
from contracts.events.dashboard import DashboardEvent
from contracts.events.insight import InsightEvent
from contracts.events.project import ProjectEvent
from contracts.events.sharing import SharingEvent
from contracts.events.viewing import ViewingEvent

DomainEvent = (
    InsightEvent
    | SharingEvent
    | ViewingEvent
    | DashboardEvent
    | AccessEvent
    | ActionEvent
    | CohortEvent
    | ProjectEvent
)

_STREAMS = UUID("6f0f4f0e-6a53-5b7f-9a0e-2d9d1f6f5a11")


class StreamKind(StrEnum):
    """What a stream is about. Its number, an insight's or a user's …, counts within a project."""

    INSIGHT = "insight"
    SHARING = "sharing"
    VIEWING = "viewing"
    SHARE_LOGIN = "share_login"
    ACCESS = "access"
    DASHBOARD = "dashboard"
    ACTION = "action"
    COHORT = "cohort"
    PROJECT = "project"


class Stream(msgspec.Struct, frozen=True):
    """One stream: UUIDv5 of kind, project and number, so that anyone can name it."""

    kind: StreamKind
    team_id: int
    number: int

    @property
    def id(self) -> UUID:
        return _stream_id(self)


@lru_cache(maxsize=65_536)
def _stream_id(stream: Stream) -> UUID:
    # Remembered, because every load and append asks, and the digest is a twentieth of an append.
    return uuid5(_STREAMS, f"{stream.kind.value}:{stream.team_id}:{stream.number}")


class UserActor(msgspec.Struct, frozen=True, tag="user", tag_field="type"):
    """A user, through a personal API key or not."""

    user_id: int
    key_id: str | None = None


class SystemActor(msgspec.Struct, frozen=True, tag="system", tag_field="type"):
    """Recount itself."""


Actor = UserActor | SystemActor


E_co = TypeVar("E_co", bound=DomainEvent, covariant=True)


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True):
    """A fact as it stands in its stream and in the log, with who caused it and when.

    position: 1-based place in the whole log, gapless, in commit order.
    version: 1 for the first event of the stream; an insight's ETag.
    team_seq: 1-based place in the project's own chain of hashes, gapless.
    at: given by the log's writer at the commit, UTC, strictly rising along the log.
    operation_id: shared by all facts of one command.
    causation_id: the operation that led to this one, if any.
    """

    position: int
    stream_id: UUID
    version: int
    team_id: int
    team_seq: int
    at: datetime
    actor: Actor
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None
    event: E_co

    @property
    def user_id(self) -> int | None:
        """The number of the user who acted; None for the system."""
        return self.actor.user_id if isinstance(self.actor, UserActor) else None
