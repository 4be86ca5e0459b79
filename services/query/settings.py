"""The query service's settings: `RECOUNT_QUERY_<FIELD>`."""

from services.common.http.bounds import MOST_BYTES
from services.common.settings import ServiceSettings


class QuerySettings(ServiceSettings, frozen=True, kw_only=True):
    """database_url: PostgreSQL of log, accounts and read models. clickhouse_url: product events.

    position_wait_seconds: how long a read waits for the position its caller has seen, before 503.
    freshness_wait_seconds: how long a read waits for what the log holds already, before it answers
    with what it has and says so.
    streams_per_project, streams_per_process: open streams of facts; of a project in this process,
    and in this process. stream_buffer_events, stream_buffer_bytes: what may wait for one of them.
    """

    clickhouse_url: str
    port: int = 8001
    position_wait_seconds: float = 5.0
    freshness_wait_seconds: float = 0.5
    max_body_bytes: int = MOST_BYTES
    streams_per_project: int = 20
    streams_per_process: int = 500
    stream_buffer_events: int = 1_000
    stream_buffer_bytes: int = 8 * 1024 * 1024
