"""Metrics of the log's writer, for Prometheus."""

from prometheus_client import Counter, Histogram

from domain.errors import ConcurrentEdit
from services.common.log.appends import (
    LogUnavailable,
    LogUnverified,
    OutcomeUnknown,
    RankLost,
    ReceiptExists,
)

append_seconds = Histogram(
    "recount_log_append_seconds",
    "From an append that waits to its commit; refused ones are not among them.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
batch_appends = Histogram(
    "recount_log_batch_appends",
    "Appends that one transaction commits together.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
lock_wait_seconds = Histogram(
    "recount_log_lock_wait_seconds",
    "Until a writer has the log's lock and has seen what it protects: one round trip when no "
    "other writes.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
refused = Counter("recount_log_refused", "Appends that were refused, by why.", ["reason"])

_REASONS: dict[type[BaseException], str] = {
    ConcurrentEdit: "concurrent_edit",
    RankLost: "rank_lost",
    ReceiptExists: "repeated",
    LogUnavailable: "unavailable",
    LogUnverified: "unverified",
    OutcomeUnknown: "outcome_unknown",
}


def refuse(cause: BaseException) -> None:
    """Count it. What PostgreSQL itself refuses is `database`."""
    refused.labels(_REASONS.get(type(cause), "database")).inc()
