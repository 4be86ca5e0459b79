"""What of a trace stands in an entry's ids, who decides what is kept, and what it costs if nobody
asks for it: nothing is imported.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from services.common import tracing
from services.common.log.store import EventStore
from services.common.tracing import Place
from tests.otlp import Collector, SeenSpan, collecting
from tests.services.common.log.appends import append, created, insight, to
from tests.waiting import until


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Takes what this process tells; a fifth of the traces that begin here are kept."""
    with collecting() as opened:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", opened.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.2")
        tracing.start("test", os.environ)
        yield opened
        tracing.stop()


class Entry(msgspec.Struct, frozen=True):
    position: int
    team_id: int
    at: datetime
    operation_id: UUID
    correlation_id: UUID


def entry(operation: UUID, correlation: UUID, seconds_ago: float = 0.0) -> Entry:
    return Entry(7, 1, datetime.now(UTC) - timedelta(seconds=seconds_ago), operation, correlation)


def test_nothing_is_imported_where_no_collector_is_named() -> None:
    # Litestar looks for OpenTelemetry's API by itself.
    program = (
        "import sys\n"
        "from services.common import tracing\n"
        "from services.embedded import composition\n"
        "tracing.start('test', {'OTEL_EXPORTER_OTLP_ENDPOINT': ''})\n"
        "assert composition.described() and not tracing.is_on()\n"
        "costly = ('opentelemetry.sdk', 'opentelemetry.exporter', 'google.protobuf')\n"
        "sys.exit(any(name.startswith(costly) for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_operation_says_whether_its_trace_is_kept(collector: Collector) -> None:
    now, correlation = datetime.now(UTC), uuid4()
    traced, not_traced = tracing.operation_id(correlation), tracing.operation_id(None)
    assert traced.version == not_traced.version == 4
    place = Place(correlation, traced.int & (2**64 - 1))
    entries = [entry(traced, correlation), entry(not_traced, correlation)]
    assert tracing.followed(entries, now) == {place: entries[0]}
    # Nobody waits for it any more: it is published again, or folded anew.
    assert tracing.followed([entry(traced, correlation, seconds_ago=4000)], now) == {}
    # As whatever no request has led to.
    assert tracing.append_place(correlation, correlation) is None
    assert len({tracing.operation_id(correlation) for _ in range(1000)}) == 1000


def test_the_ratio_keeps_its_share_of_uuids_and_each_process_the_same(
    collector: Collector,
) -> None:
    ids = [uuid4() for _ in range(20_000)]
    kept = [one for one in ids if tracing.request_span(one, None) is not None]
    assert 0.18 < len(kept) / len(ids) < 0.22
    assert kept == [one for one in ids if tracing.is_chosen(one, 0.2)]
    assert not any(tracing.is_chosen(one, 0.0) for one in ids)
    assert all(tracing.is_chosen(one, 1.0) for one in ids)


async def test_a_batch_links_to_the_requests_of_all_that_it_commits(
    postgres_url: str, collector: Collector
) -> None:
    requests: list[Place] = []

    async def request(store: EventStore, number: int, is_traced: bool) -> None:
        correlation = uuid4()
        operation = tracing.operation_id(correlation if is_traced else None)
        parent = tracing.parent_of(b"00-%s-00f067aa0ba902b7-01" % correlation.hex.encode())
        span = tracing.request_span(correlation, parent if is_traced else None)
        tracing.request_place.set(span.place if is_traced and span is not None else None)
        if is_traced and span is not None:
            requests.append(span.place)
        new = append(to(insight(number), 0, created()))
        ids = {"operation_id": operation, "correlation_id": correlation}
        await store.append(msgspec.structs.replace(new, **ids))

    async with EventStore.open(postgres_url) as store:
        wanted = [True, False, True, True]
        await asyncio.gather(*(request(store, n, is_) for n, is_ in enumerate(wanted, 1)))

    def appends() -> list[SeenSpan]:
        return [span for span in collector.spans() if span.name == "append"]

    until(lambda: len(appends()) == 3, "three appends were told")
    spans = {span.trace: span for span in appends()}
    assert {span.attributes["recount.batch"] for span in spans.values()} == {"4"}
    first, *others = (spans[place.trace_id] for place in requests)
    for place, span in zip(requests, (first, *others), strict=True):
        assert span.parent == f"{place.span_id:016x}"
    assert first.links == [(place.trace_id, f"{place.span_id:016x}") for place in requests[1:]]
    assert all(span.links == [(first.trace, first.id)] for span in others)
