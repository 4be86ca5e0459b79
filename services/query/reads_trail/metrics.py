"""What is counted of the trail of reads."""

from prometheus_client import Counter, Gauge

from contracts.reads import SURFACES

RECORDED = Counter("recount_reads_recorded", "Reads that were recorded.", ["surface"])
RECORDED_AT = {surface: RECORDED.labels(surface) for surface in SURFACES}
"""By the surface: to look one up for each read took 3 µs."""
SPOOL_BYTES = Gauge(
    "recount_reads_spool_bytes", "Bytes of reads on the disk that are not in PostgreSQL yet."
)
