"""The streams of the log: the thing that each is about, and the type of its facts."""

from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID, uuid5

import msgspec

from contracts.events.access import AccessEvent
from contracts.events.account import AccountEvent
from contracts.events.action import ActionEvent
from contracts.events.audit import ErasureEvent, HoldEvent, TrailEvent
from contracts.events.bus_consumer import BusConsumerEvent
from contracts.events.cohort import CohortEvent
from contracts.events.dashboard import DashboardEvent
from contracts.events.history import HistoryEvent
from contracts.events.insight import InsightEvent
from contracts.events.project import ProjectEvent
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharingEvent
from contracts.events.viewing import ViewingEvent
from contracts.events.webhook import WebhookEvent

_STREAMS = UUID("6f0f4f0e-6a53-5b7f-9a0e-2d9d1f6f5a11")


class StreamKind(StrEnum):
    """The kind of thing that a stream is about. Its number, an insight's or a user's …, counts
    within a project.
    """

    INSIGHT = "insight"
    SHARING = "sharing"
    VIEWING = "viewing"
    SHARE_LOGIN = "share_login"
    ACCESS = "access"
    DASHBOARD = "dashboard"
    ACTION = "action"
    COHORT = "cohort"
    PROJECT = "project"
    HISTORY = "history"
    WEBHOOK = "webhook"
    BUS_CONSUMER = "bus_consumer"
    AUDIT = "audit"
    ERASURE = "erasure"
    HOLD = "hold"
    ACCOUNT = "account"


E_co = TypeVar("E_co", bound=DomainEvent, covariant=True)


class Stream(msgspec.Struct, Generic[E_co], frozen=True):
    """One stream, and the type of its facts. Its id: UUIDv5 of kind, project and number."""

    kind: StreamKind
    team_id: int
    number: int

    @property
    def id(self) -> UUID:
        return _stream_id(self)

    @property
    def subject(self) -> str:
        """The thing, as events name it: `insight/1`."""
        return f"{self.kind.value}/{self.number}"


@lru_cache(maxsize=65_536)
def _stream_id(stream: Stream[DomainEvent]) -> UUID:
    # Remembered, because every load and append asks, and the digest is a twentieth of an append.
    return uuid5(_STREAMS, f"{stream.kind.value}:{stream.team_id}:{stream.number}")


def insight_stream(team_id: int, number: int) -> Stream[InsightEvent]:
    return Stream(StreamKind.INSIGHT, team_id, number)


def sharing_stream(team_id: int, insight_id: int) -> Stream[SharingEvent]:
    return Stream(StreamKind.SHARING, team_id, insight_id)


def access_stream(team_id: int, number: int) -> Stream[AccessEvent]:
    """Of an insight's rules, or of the project's: WHOLE_PROJECT."""
    return Stream(StreamKind.ACCESS, team_id, number)


def viewing_stream(team_id: int, user_id: int) -> Stream[ViewingEvent]:
    """Of all that a user has looked at in the project."""
    return Stream(StreamKind.VIEWING, team_id, user_id)


def share_login_stream(team_id: int, insight_id: int) -> Stream[ViewingEvent]:
    """Of the visits to a shared insight with a password."""
    return Stream(StreamKind.SHARE_LOGIN, team_id, insight_id)


def dashboard_stream(team_id: int, number: int) -> Stream[DashboardEvent]:
    return Stream(StreamKind.DASHBOARD, team_id, number)


def action_stream(team_id: int, number: int) -> Stream[ActionEvent]:
    return Stream(StreamKind.ACTION, team_id, number)


def cohort_stream(team_id: int, number: int) -> Stream[CohortEvent]:
    return Stream(StreamKind.COHORT, team_id, number)


def project_stream(team_id: int) -> Stream[ProjectEvent]:
    """There is one in each project."""
    return Stream(StreamKind.PROJECT, team_id, 0)


def history_stream(team_id: int) -> Stream[HistoryEvent]:
    """Of what took other operations back. There is one in each project."""
    return Stream(StreamKind.HISTORY, team_id, 0)


def webhook_stream(team_id: int, number: int) -> Stream[WebhookEvent]:
    return Stream(StreamKind.WEBHOOK, team_id, number)


def bus_consumer_stream(team_id: int, number: int) -> Stream[BusConsumerEvent]:
    return Stream(StreamKind.BUS_CONSUMER, team_id, number)


def audit_stream(team_id: int) -> Stream[TrailEvent]:
    """Of seals, rotated keys and healed rows. There is one in each project. It is long, so it is
    appended to blind and never loaded whole.
    """
    return Stream(StreamKind.AUDIT, team_id, 0)


def erasure_stream(team_id: int, number: int) -> Stream[ErasureEvent]:
    return Stream(StreamKind.ERASURE, team_id, number)


def hold_stream(team_id: int, number: int) -> Stream[HoldEvent]:
    return Stream(StreamKind.HOLD, team_id, number)


def account_stream(chain: int) -> Stream[AccountEvent]:
    """Of an organization's accounts; there is one in each.

    chain: minus the organization's number, and so no project's.
    """
    return Stream(StreamKind.ACCOUNT, chain, 0)
