"""Metrics of checkpoints, for Prometheus."""

from prometheus_client import Counter, Gauge

checkpoint_age = Gauge(
    "recount_checkpoint_age_seconds",
    "Since the newest checkpoint of the tree that has waited longest for its next; 0: none does.",
)
witness_failures = Counter(
    "recount_witness_failures", "Checkpoints that a witness did not cosign.", ["witness"]
)
