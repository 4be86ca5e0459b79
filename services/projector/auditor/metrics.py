"""Metrics of the auditor, for Prometheus."""

from prometheus_client import Counter, Gauge

proved_streams = Counter(
    "recount_audit_proved_streams", "Streams folded again and compared with their rows."
)
divergent_rows = Counter(
    "recount_audit_divergent_rows", "Rows found that were not as the log tells them."
)
oldest_proof_seconds = Gauge(
    "recount_audit_oldest_proof_seconds", "Since the stream proved longest ago was proved."
)
