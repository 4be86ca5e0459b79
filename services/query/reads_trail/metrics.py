"""What is counted of the trail of reads."""

from prometheus_client import Counter, Gauge

RECORDED = Counter("recount_reads_recorded", "Reads that were recorded.", ["surface"])
SPOOL_BYTES = Gauge(
    "recount_reads_spool_bytes", "Bytes of reads on the disk that are not in PostgreSQL yet."
)
