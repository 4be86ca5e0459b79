"""The query service's settings: `RECOUNT_QUERY_<FIELD>`."""

from services.common.http.app import REQUEST_SECONDS
from services.common.http.bounds import MOST_BYTES
from services.common.settings import LEASE_SECONDS, LeaseSeconds, ServiceSettings
from services.query.reads_trail.options import SPOOL_BYTES, Client, OnOff, ReadsOptions, Sync


class QuerySettings(ServiceSettings, frozen=True, kw_only=True):
    """database_url: PostgreSQL of log, accounts and read models. clickhouse_url: product events.

    position_wait_seconds: how long a read waits for the position its caller has seen, before 503.
    freshness_wait_seconds: how long a read waits for what the log holds already, before it answers
    with what it has and says so.
    lease_seconds: for so long a claimed computation is this process's, which renews that every
    third of it; then any process runs it again.
    request_seconds: after so long without the beginning of an answer, a request gets a 503.
    streams_per_project, streams_per_process: open streams of facts; of a project in this process,
    and in this process. stream_buffer_events, stream_buffer_bytes: what may wait for one of them.
    reads …: see `ReadsOptions`.
    """

    clickhouse_url: str
    port: int = 8001
    position_wait_seconds: float = 5.0
    freshness_wait_seconds: float = 0.5
    max_body_bytes: int = MOST_BYTES
    request_seconds: float = REQUEST_SECONDS
    lease_seconds: LeaseSeconds = LEASE_SECONDS
    streams_per_project: int = 20
    streams_per_process: int = 500
    stream_buffer_events: int = 1_000
    stream_buffer_bytes: int = 8 * 1024 * 1024
    reads: OnOff = "on"
    reads_spool: str = ""
    reads_spool_bytes: int = SPOOL_BYTES
    reads_sync: Sync = "loose"
    reads_client: Client = "ip"

    def reads_options(self) -> ReadsOptions:
        """Of the trail of reads."""
        return ReadsOptions(
            reads=self.reads,
            reads_spool=self.reads_spool,
            reads_spool_bytes=self.reads_spool_bytes,
            reads_sync=self.reads_sync,
            reads_client=self.reads_client,
        )
