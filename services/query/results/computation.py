"""A computation, and the work and the key that are made of it."""

from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Raw

from contracts.queries.canonical import query_key
from contracts.queries.nodes import Node
from contracts.queries.reading import read
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result

_encoder = msgspec.json.Encoder()
Query = TypeVar("Query", bound=Node)


class Computation(msgspec.Struct, Generic[Query], frozen=True, kw_only=True):
    """A query to compute, of whichever kind.

    query: overrides applied.
    legacy: asked by legacy filters, whose rules and answers may differ.
    include: additions to the result, as the kind names them.
    """

    query: Query
    legacy: bool = False
    include: tuple[str, ...] = ()

    @property
    def key(self) -> bytes:
        """The key of the result."""
        shape = ["legacy" if self.legacy else "node", *sorted(self.include)]
        return query_key(self.query, " ".join(shape))

    def encoded(self) -> bytes:
        """JSON, for whichever process runs it."""
        return _encoder.encode(self)


class _EncodedComputation(msgspec.Struct, frozen=True):
    query: Raw
    legacy: bool = False
    include: tuple[str, ...] = ()


def decoded(sent: bytes) -> Computation[Node]:
    """The computation that `encoded` was given. Raises InvalidQuery for a kind that this version
    does not compute.
    """
    encoded = msgspec.json.decode(sent, type=_EncodedComputation)
    query = read(msgspec.json.decode(encoded.query))
    return Computation(query=query, legacy=encoded.legacy, include=encoded.include)


class _Kind(msgspec.Struct, frozen=True):
    kind: str


class _OfKind(msgspec.Struct, frozen=True):
    query: _Kind


def kind_of(sent: bytes) -> str:
    """The kind of the query that `encoded` was given; nothing else of it is read."""
    return msgspec.json.decode(sent, type=_OfKind).query.kind


class Range(msgspec.Struct, frozen=True):
    """The range that a query asks for. dates: None when it asks for none."""

    interval: str | None
    date_from: datetime | None
    date_to: datetime | None


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a computation, as marks (services.common.insights.results.marks).

    events: of the names of events; None: of any name. since, until: of their timestamps, both
    inclusive; None: open. records: of persons and groups.
    """

    events: frozenset[int] | None
    since: datetime | None
    until: datetime | None
    records: frozenset[int]


NOTHING = Inputs(events=frozenset(), since=None, until=None, records=frozenset())


class Work(Protocol):
    """A planned computation. It reads everything besides its plan when it runs."""

    async def run(self, query_id: str) -> Result:
        """Raises EngineError's kinds. query_id: what the engine's query is cancelled by."""


class Check(Protocol):
    """Looks for parts of a query that its events leave without effect."""

    async def run(self) -> tuple[str, ...]:
        """A sentence for each."""


class Computer(Protocol):
    """Plans computations; what can't be computed, it refuses before anything runs."""

    async def prepare(
        self, project: Project, computation: Computation[Any]
    ) -> "PreparedComputation":
        """Raises InvalidQuery."""


class PreparedComputation(msgspec.Struct, frozen=True, kw_only=True):
    """settings: of the project it was prepared for, see Project.settings.

    dependencies: a digest of all that the numbers depend on besides query, events and clock.
    clock: a digest of what they take from the clock besides the range.
    warnings: what of the query has no effect in this project, a sentence each.
    check: finds more of them in the events, for a request that asks for warnings.
    """

    settings: bytes
    dependencies: bytes
    clock: bytes
    range: Range
    inputs: Inputs
    work: Work
    warnings: tuple[str, ...] = ()
    check: Check | None = None
