"""Metrics of the connection pools of this process: read from them whenever Prometheus asks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakSet

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from psycopg_pool import AsyncConnectionPool

_watched: "WeakSet[AsyncConnectionPool[Any]]" = WeakSet()


def watch(pool: "AsyncConnectionPool[Any]") -> None:
    """From now on, for as long as it lives."""
    _watched.add(pool)


class PoolMetrics(Collector):
    """By the pools' names; those of one name are added up."""

    def describe(self) -> Iterable[Metric]:
        return _families({})

    def collect(self) -> Iterable[Metric]:
        sums: dict[str, Counter[str]] = {}
        for pool in tuple(_watched):
            sums.setdefault(pool.name, Counter()).update(pool.get_stats())
        return _families(sums)


def _families(sums: dict[str, Counter[str]]) -> Iterator[Metric]:
    size = GaugeMetricFamily(
        "recount_pool_size", "Connections to PostgreSQL that a pool has.", labels=["pool"]
    )
    waiting = GaugeMetricFamily(
        "recount_pool_waiting", "Callers that wait for a connection of a pool.", labels=["pool"]
    )
    waits = SummaryMetricFamily(
        "recount_pool_wait_seconds",
        "What callers that found no free connection have waited for one.",
        labels=["pool"],
    )
    for name, stats in sorted(sums.items()):
        size.add_metric([name], stats["pool_size"])
        waiting.add_metric([name], stats["requests_waiting"])
        waits.add_metric([name], stats["requests_queued"], stats["requests_wait_ms"] / 1000)
    yield from (size, waiting, waits)


REGISTRY.register(PoolMetrics())
