"""The protocol of projections, and the facts that each of them folds."""

from collections.abc import Sequence
from functools import cache
from typing import Protocol, TypeGuard, TypeVar
from uuid import UUID

import msgspec

from contracts.codec import stored_name, stored_names
from contracts.events.insight import InsightEvent
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.sharing import SharingEvent
from contracts.events.streams import StreamKind
from contracts.events.viewing import ViewingEvent
from contracts.read_models import projections
from services.common.log.store import Unreadable
from services.projector.checkpoint import Connection

S = TypeVar("S")

Entry = Recorded[DomainEvent] | Unreadable

INSIGHT = "insight"
SHARING = "sharing"
VIEWING = "viewing"
HISTORY = "history"


class OwnStream(msgspec.Struct, frozen=True):
    """The row is made of the facts of the stream that its column `stream_id` names."""


class Numbered(msgspec.Struct, frozen=True):
    """The row is made of the facts of the project's stream of this kind.

    column: holds the stream's number; None: it is 0, there is one in each project.
    """

    kind: StreamKind
    column: str | None


class AtFact(msgspec.Struct, frozen=True):
    """The row is made of facts of the stream that has the one at its `position`."""


class NewestFact(msgspec.Struct, frozen=True):
    """One row per project; its `position` is that of the newest applied fact of this topic."""

    topic: str


class WholeChain(msgspec.Struct, frozen=True):
    """The row is made of the hashes of all the project's entries, whatever their streams."""


Source = OwnStream | Numbered | AtFact | NewestFact | WholeChain
"""The facts that explain a row: the auditor finds the rows of a stream by it, and the stream of a
row.
"""


class ProjectionTable(msgspec.Struct, frozen=True):
    """A table that a projection owns. key: the columns of its primary key."""

    name: str
    key: tuple[str, ...]
    source: Source


class ErasedFrom(msgspec.Struct, frozen=True):
    """A stream that has an erased entry. subject: `insight/7`. topic: the first word of the stored
    names of its facts.
    """

    team_id: int
    stream_id: UUID
    subject: str
    topic: str

    @property
    def number(self) -> int:
        return int(self.subject.partition("/")[2])


class Projection(Protocol[S]):
    """Folds facts into rows. The runner gives it a batch inside a transaction, in three steps.

    Its statements name tables without a schema: a rebuild runs the same statements
    with another search path.

    name: of its checkpoint. topics: the first word of the stored names it wants.
    """

    @property
    def name(self) -> projections.Projection: ...

    @property
    def topics(self) -> frozenset[str]: ...

    @property
    def tables(self) -> tuple[ProjectionTable, ...]: ...

    async def load(self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]) -> S:
        """The rows that these facts may touch."""

    def apply(self, state: S, fact: Recorded[DomainEvent]) -> None:
        """Fold one fact into `state`; on any exception `state` is as it was before."""

    async def save(self, conn: Connection, state: S) -> None:
        """Write the rows that were touched."""

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        """The other stream, if any, that the fold of this fact looks at."""

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        """Delete the rows that may hold what was erased from these streams.

        The entries to fold again, in the log's order, none beyond the position `up_to`; they go
        through load, apply and save as at the first time.
        """


def topic(entry: Entry) -> str:
    """The subject of the entry: the first word of its stored name."""
    if isinstance(entry, Unreadable):
        return entry.name.partition(".")[0]
    return _topic_of(type(entry.event))


@cache
def _topic_of(kind: type[DomainEvent]) -> str:
    """Remembered: each projection asks it of each fact."""
    return stored_names(kind)[0].partition(".")[0]


def name_of(entry: Entry) -> str:
    return entry.name if isinstance(entry, Unreadable) else stored_name(entry.event)


def of_insight(fact: Recorded[DomainEvent]) -> TypeGuard[Recorded[InsightEvent]]:
    return isinstance(fact.event, InsightEvent)


def of_sharing(fact: Recorded[DomainEvent]) -> TypeGuard[Recorded[SharingEvent]]:
    return isinstance(fact.event, SharingEvent)


def of_viewing(fact: Recorded[DomainEvent]) -> TypeGuard[Recorded[ViewingEvent]]:
    return isinstance(fact.event, ViewingEvent)
