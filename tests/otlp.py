"""A collector of OpenTelemetry over HTTP, in this process: it takes what exporters send."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


class SeenSpan(msgspec.Struct, frozen=True):
    """service: whose process told it. parent: the empty text of a root."""

    service: str
    name: str
    trace: UUID
    id: str
    parent: str
    attributes: dict[str, str]
    links: list[tuple[UUID, str]]
    failed: bool
    seconds: float


class Collector:
    """url: as OTEL_EXPORTER_OTLP_ENDPOINT has it. raw: all that came."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.raw = bytearray()
        self._spans: list[SeenSpan] = []
        self._lock = threading.Lock()

    def spans(self) -> list[SeenSpan]:
        with self._lock:
            return list(self._spans)

    def trace(self, trace: UUID) -> list[SeenSpan]:
        return [span for span in self.spans() if span.trace == trace]

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        found = [
            _seen(next(a.value.string_value for a in each.resource.attributes if _names(a)), span)
            for each in request.resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.raw += body
            self._spans += found


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces", self.path
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is said of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _names(attribute: "object") -> bool:
    return getattr(attribute, "key", "") == "service.name"


def _seen(service: str, span: Span) -> SeenSpan:
    return SeenSpan(
        service=service,
        name=span.name,
        trace=UUID(bytes=span.trace_id),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes={
            each.key: each.value.string_value or str(each.value.int_value)
            for each in span.attributes
        },
        links=[(UUID(bytes=link.trace_id), link.span_id.hex()) for link in span.links],
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )
