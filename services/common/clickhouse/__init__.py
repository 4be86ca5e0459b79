"""Product events' database: one interface over chDB in process and a ClickHouse server by URL.

All that differs between the two, and between one node and shards of replicas, stays in this
package.
"""

from services.common.clickhouse.address import embedded_url
from services.common.clickhouse.client import ClickHouse
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
from services.common.clickhouse.shards import Shards

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
    "Shards",
    "StatementTooLarge",
    "embedded_url",
]
