"""Spans to an OpenTelemetry collector, over HTTP, in the background. The one file that knows
OpenTelemetry.

Its tracer is passed over: our spans are told when they have ended, with ids that we have chosen.
The exporter and what surrounds it read their own variables (OTEL_EXPORTER_OTLP_…,
OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_…).
"""

import importlib.metadata
import socket

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from services.common.tracing.spans import Place, Span

_FLUSH_MS = 2_000
_KINDS = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL}
_SCOPE = InstrumentationScope("recount")


class SpanExport:
    """ratio: of the traces that begin here, how many are kept."""

    def __init__(self, service: str, ratio: float) -> None:
        self.ratio = ratio
        self._resource = Resource.create(
            {
                SERVICE_NAME: f"recount-{service}",
                SERVICE_VERSION: importlib.metadata.version("recount"),
                SERVICE_INSTANCE_ID: socket.gethostname(),
            }
        )
        self._processor = BatchSpanProcessor(OTLPSpanExporter())

    def tell(self, span: Span) -> None:
        """Returns at once; what can't be sent is dropped, and the library says so."""
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.place),
                parent=None if span.parent is None else _context(span.parent, is_remote=True),
                resource=self._resource,
                attributes=dict(span.attributes),
                links=[Link(_context(place, is_remote=True)) for place in span.links],
                kind=_KINDS[span.kind],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=span.began,
                end_time=span.ended,
                instrumentation_scope=_SCOPE,
            )
        )

    def stop(self) -> None:
        self._processor.force_flush(_FLUSH_MS)
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _context(place: Place, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(
        trace_id=place.trace_id.int,
        span_id=place.span_id,
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
