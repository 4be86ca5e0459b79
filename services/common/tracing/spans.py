"""A span, its place in a trace, and the place that a request comes from."""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec


class Parent(msgspec.Struct, frozen=True):
    """The span that a request is part of, as its `traceparent` (W3C) says."""

    trace_id: UUID
    span_id: int
    sampled: bool


class Place(msgspec.Struct, frozen=True):
    """A span that others refer to."""

    trace_id: UUID
    span_id: int

    def written(self) -> str:
        """As the header `traceparent`."""
        return f"00-{self.trace_id.hex}-{self.span_id:016x}-01"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a span. began, ended: ns since 1970."""

    name: str
    kind: Literal["server", "internal"]
    place: Place
    parent: Place | None
    began: int
    ended: int
    attributes: Mapping[str, str | int | float]
    links: Sequence[Place] = ()
    failed: bool = False
