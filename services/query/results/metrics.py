"""Metrics of results and of the jobs that compute them, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

jobs = Gauge("recount_jobs", "Computations that wait, and that run, in all processes.", ["state"])
job_seconds = Histogram(
    "recount_job_seconds",
    "What a computation took, by the kind of its query, whatever came of it.",
    ["kind"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
lease_lost = Counter(
    "recount_job_lease_lost",
    "Computations taken over from a process that had said nothing for too long.",
)
results = Counter(
    "recount_results",
    "Results that were asked for: kept before (hit), by a computation under way (joined), or by "
    "one that began for it (computed).",
    ["outcome"],
)
