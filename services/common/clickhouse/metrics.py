"""Metrics of ClickHouse as its callers see it, for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from services.common.clickhouse.errors import EngineError

SECONDS = Histogram(
    "recount_clickhouse_seconds",
    "What a statement took, as its caller sees it: a query, an insert, or a command.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
ERRORS = Counter(
    "recount_clickhouse_errors",
    "Statements that did not succeed, by ClickHouse's code; 210: nobody answered.",
    ["code"],
)

REPLICA_UP = Gauge(
    "recount_clickhouse_replica_up",
    "0 from when this process has left the replica until it answers again; numbers as in the URL.",
    ["shard", "replica"],
)
SWITCHES = Counter(
    "recount_clickhouse_replica_switches",
    "Times that this process has left a replica that failed.",
    ["shard", "replica"],
)


@contextmanager
def measured(kind: Literal["query", "insert", "command"]) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except EngineError as failed:
        ERRORS.labels(str(failed.code)).inc()
        raise
    finally:
        SECONDS.labels(kind).observe(time.monotonic() - began)
