"""Product events' database: one interface over chDB in process and a ClickHouse server by URL.

All that differs between the two, and between a server and a cluster, stays in this package.
"""

from services.common.clickhouse.client import ClickHouse, embedded_url
from services.common.clickhouse.errors import (
    BadPattern,
    EngineAway,
    EngineError,
    QueryCancelled,
    QueryFailed,
    QueryTimeout,
    QueryTooLarge,
    StatementTooLarge,
)
from services.common.clickhouse.query_limits import QueryLimits

__all__ = [
    "BadPattern",
    "ClickHouse",
    "EngineAway",
    "EngineError",
    "QueryCancelled",
    "QueryFailed",
    "QueryLimits",
    "QueryTimeout",
    "QueryTooLarge",
    "StatementTooLarge",
    "embedded_url",
]
