"""What is computed, and what comes of it."""

from datetime import datetime
from typing import Protocol

import msgspec

from contracts.queries.nodes import FunnelsQuery
from services.common.accounts import Project
from services.common.results.kept import Result


class FunnelComputation(msgspec.Struct, frozen=True, kw_only=True, tag="funnel"):
    """query: overrides applied.

    legacy: asked of the legacy endpoint, whose answers unbox and serve a single step.
    include: additions asked for: pending, baseline, warnings.
    """

    query: FunnelsQuery
    legacy: bool = False
    include: tuple[str, ...] = ()


Computation = FunnelComputation


class Range(msgspec.Struct, frozen=True):
    """The events a computation looks at. dates: None when they are not one range."""

    interval: str | None
    date_from: datetime | None
    date_to: datetime | None


class Computer(Protocol):
    """Turns a computation into its result; what it can't, it refuses before anything runs."""

    async def prepare(self, project: Project, computation: Computation) -> "Prepared":
        """Raises InvalidQuery."""

    async def compute(self, prepared: "Prepared", query_id: str) -> Result:
        """Raises EngineError's kinds. query_id: what the engine's query is cancelled by."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A computation that can be run as it stands.

    dependencies: a digest of all that the numbers hang on besides query and events.
    plan: what `compute` needs; nobody else looks at it.
    """

    project: Project
    computation: Computation
    dependencies: bytes
    range: Range
    plan: object
