"""What is computed, and what comes of it."""

from datetime import datetime
from typing import Protocol

import msgspec

from contracts.queries.nodes import ActorsQuery, FunnelCorrelationQuery, FunnelsQuery
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result


class FunnelComputation(msgspec.Struct, frozen=True, kw_only=True, tag="funnel"):
    """query: overrides applied.

    legacy: asked of the legacy endpoint, whose answers unbox and serve a single step.
    include: additions asked for: pending, baseline, warnings.
    """

    query: FunnelsQuery
    legacy: bool = False
    include: tuple[str, ...] = ()


class ActorsComputation(msgspec.Struct, frozen=True, kw_only=True, tag="actors"):
    query: ActorsQuery


class CorrelationComputation(msgspec.Struct, frozen=True, kw_only=True, tag="correlation"):
    """legacy: asked of the legacy endpoint, which serves funnels of a single step.

    include: additions asked for: p_value.
    """

    query: FunnelCorrelationQuery
    legacy: bool = False
    include: tuple[str, ...] = ()


Computation = FunnelComputation | ActorsComputation | CorrelationComputation


class Range(msgspec.Struct, frozen=True):
    """The range that a query asks for. dates: None when it asks for none."""

    interval: str | None
    date_from: datetime | None
    date_to: datetime | None


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a computation reads, as marks (services.common.insights.results.marks).

    events: of the names of events; None: of any name. since, until: of their timestamps, both
    inclusive; None: open. beside: of persons and groups.
    """

    events: frozenset[int] | None
    since: datetime | None
    until: datetime | None
    beside: frozenset[int]


NOTHING = Inputs(events=frozenset(), since=None, until=None, beside=frozenset())


class Work(Protocol):
    """A computation that can be run as it stands."""

    async def run(self, query_id: str) -> Result:
        """Raises EngineError's kinds. query_id: what the engine's query is cancelled by."""


class Computer(Protocol):
    """Says what there is to do; what it can't compute, it refuses before anything runs."""

    async def prepare(self, project: Project, computation: Computation) -> "Prepared":
        """Raises InvalidQuery."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """settings: of the project it was prepared for, see Project.settings.

    dependencies: a digest of all that the numbers hang on besides query, events and clock.
    clock: a digest of what they take from the clock besides the range.
    """

    settings: bytes
    dependencies: bytes
    clock: bytes
    range: Range
    inputs: Inputs
    work: Work
