"""Traces: what one request led to, in every process, told to an OpenTelemetry collector.

Where no collector is named (OTEL_EXPORTER_OTLP_ENDPOINT) there are none, and neither
OpenTelemetry's SDK nor its exporter is imported. A trace's id is the correlation id. The log has no
column for what else a trace needs: the id of a command's append is its operation id's second half,
and an operation id that ends as the correlation id does says that its trace is kept. So the relay
and the projections, in whichever process, go on with the trace from the entry alone.
"""

import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from services.common.tracing.spans import Parent, Place, Span

if TYPE_CHECKING:
    from services.common.tracing.export import SpanExport

DEFAULT_RATIO = 0.05
# An entry that is older is published or applied anew: nobody waits for it any more.
LONGEST_AGO = timedelta(hours=1)

_TRACE_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_RANDOM_BITS = 56
_HALF = (1 << 64) - 1
_TAG_BITS = 16
_TAG = (1 << _TAG_BITS) - 1
_SAMPLED = 1


__all__ = ["Parent", "Place", "RequestSpan", "Span"]


class TracedEntry(Protocol):
    """An entry of the log."""

    @property
    def position(self) -> int: ...
    @property
    def team_id(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def operation_id(self) -> UUID: ...
    @property
    def correlation_id(self) -> UUID: ...


class RequestSpan:
    """The span of a request, from its beginning on."""

    __slots__ = ("_began", "_link", "_parent", "place")

    def __init__(self, request_id: UUID, parent: Parent | None) -> None:
        self.place = Place(request_id, _fresh())
        self._began = time.time_ns()
        # Where the client has named both, the trace is the correlation's, and points at its own.
        goes_on = parent is not None and parent.trace_id == request_id
        place = None if parent is None else Place(parent.trace_id, parent.span_id)
        self._parent = place if goes_on else None
        self._link = None if goes_on else place

    def end(self, method: str, route: str, status: int) -> None:
        tell(
            Span(
                name=f"{method} {route}",
                kind="server",
                place=self.place,
                parent=self._parent,
                began=self._began,
                ended=time.time_ns(),
                attributes={
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                },
                links=() if self._link is None else (self._link,),
                failed=status >= 500 or status == 0,
            )
        )


request_place: ContextVar[Place | None] = ContextVar("request_place", default=None)
"""The span of the request that is answered; None where it is not traced, or there is none."""

_export: "SpanExport | None" = None


def start(service: str, environ: Mapping[str, str]) -> None:
    """Once per process, before it serves. Does nothing where no collector is named."""
    global _export
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if _export is None and any(environ.get(name) for name in names):
        # Imported where it is wanted: nobody else pays for it.
        from services.common.tracing.export import SpanExport

        ratio = environ.get("OTEL_TRACES_SAMPLER_ARG") or DEFAULT_RATIO
        _export = SpanExport(service, float(ratio))


def stop() -> None:
    """Tells what is not told yet, a moment long."""
    global _export
    if _export is not None:
        _export.stop()
    _export = None


def is_on() -> bool:
    return _export is not None


def tell(span: Span) -> None:
    if _export is not None:
        _export.tell(span)


def parent_of(header: bytes) -> Parent | None:
    """None for a header that is none of W3C's."""
    found = _TRACE_PARENT.fullmatch(header)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return Parent(UUID(int=int(trace, 16)), int(span, 16), bool(int(flags, 16) & _SAMPLED))


def request_span(request_id: UUID, parent: Parent | None) -> RequestSpan | None:
    """Whoever asks us decides; else the ratio does, by the id, so that all come to the same."""
    if _export is None:
        return None
    kept = is_chosen(request_id, _export.ratio) if parent is None else parent.sampled
    span = RequestSpan(request_id, parent) if kept else None
    request_place.set(None if span is None else span.place)
    return span


def is_chosen(trace_id: UUID, ratio: float) -> bool:
    """OpenTelemetry's rule for ids whose last 56 bits are random, as a UUID's are."""
    chance = trace_id.int & ((1 << _RANDOM_BITS) - 1)
    return chance >= (1.0 - ratio) * (1 << _RANDOM_BITS)


def operation_id(correlation_id: UUID | None) -> UUID:
    """A fresh one. correlation_id: of a request that is traced; None: it is not."""
    drawn = uuid4()
    if correlation_id is None:
        return drawn
    return UUID(int=(drawn.int & ~_TAG) | (correlation_id.int & _TAG))


def append_place(correlation_id: UUID, operation_id: UUID) -> Place | None:
    """Of the append of a command that is traced; None: it is not."""
    if _export is None or correlation_id == operation_id:
        return None
    if (correlation_id.int ^ operation_id.int) & _TAG:
        return None
    return Place(correlation_id, operation_id.int & _HALF)


def followed(entries: Iterable[TracedEntry], now: datetime) -> Mapping[Place, TracedEntry]:
    """The appends, of commands that are traced, which brought these; each with its last entry."""
    if _export is None:
        return {}
    found: dict[Place, TracedEntry] = {}
    for entry in entries:
        place = append_place(entry.correlation_id, entry.operation_id)
        if place is not None and now - entry.at < LONGEST_AGO:
            found[place] = entry
    return found


def follow_up(
    name: str, append: Place, entry: TracedEntry, began: int, **attributes: str | int
) -> None:
    """Tells what came of an append, from `began` (ns since 1970) to now. entry: its last."""
    tell(
        Span(
            name=name,
            kind="internal",
            place=Place(append.trace_id, _fresh()),
            parent=append,
            began=began,
            ended=time.time_ns(),
            attributes={
                "recount.position": entry.position,
                "recount.project": entry.team_id,
                **{f"recount.{name}": value for name, value in attributes.items()},
            },
        )
    )


def _fresh() -> int:
    return uuid4().int & _HALF
