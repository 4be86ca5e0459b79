"""The query service's settings: `RECOUNT_QUERY_<FIELD>`."""

from services.common.http.bounds import MOST_BYTES
from services.common.settings import ServiceSettings


class QuerySettings(ServiceSettings, frozen=True, kw_only=True):
    """database_url: PostgreSQL of log, accounts and read models. clickhouse_url: product events.

    position_wait_seconds: how long a read waits for the position its caller has seen, before 503.
    freshness_wait_seconds: how long a read waits for what the log holds already, before it answers
    with what it has and says so.
    """

    clickhouse_url: str
    port: int = 8001
    position_wait_seconds: float = 5.0
    freshness_wait_seconds: float = 0.5
    max_body_bytes: int = MOST_BYTES
