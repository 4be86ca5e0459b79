"""A fact in the log: an entry."""

from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from contracts.events.access import AccessEvent
from contracts.events.account import AccountEvent
from contracts.events.action import ActionEvent
from contracts.events.audit import AuditEvent
from contracts.events.bus_consumer import BusConsumerEvent
from contracts.events.cohort import CohortEvent
from contracts.events.dashboard import DashboardEvent
from contracts.events.history import HistoryEvent
from contracts.events.insight import InsightEvent
from contracts.events.project import ProjectEvent
from contracts.events.sharing import SharingEvent
from contracts.events.viewing import ViewingEvent
from contracts.events.webhook import WebhookEvent

DomainEvent = (
    InsightEvent
    | SharingEvent
    | ViewingEvent
    | DashboardEvent
    | AccessEvent
    | ActionEvent
    | CohortEvent
    | ProjectEvent
    | HistoryEvent
    | WebhookEvent
    | BusConsumerEvent
    | AuditEvent
    | AccountEvent
)


class UserActor(msgspec.Struct, frozen=True, tag="user", tag_field="type", gc=False):
    """A user, through a personal API key or not."""

    user_id: int
    key_id: str | None = None


class SystemActor(msgspec.Struct, frozen=True, tag="system", tag_field="type"):
    """Recount itself."""


Actor = UserActor | SystemActor


E_co = TypeVar("E_co", bound=DomainEvent, covariant=True)


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True, gc=False):
    """A fact in its stream and in the log, with its actor and its time.

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
