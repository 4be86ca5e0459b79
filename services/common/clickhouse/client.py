"""ClickHouse as the services use it: bound statements, columns to insert, queries to cancel."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit, urlunsplit
from uuid import uuid4

from services.common.clickhouse.engine import Engine, Row
from services.common.clickhouse.errors import TOO_BIG_AST, EngineError, StatementTooLarge
from services.common.clickhouse.query_limits import QueryLimits
from services.common.clickhouse.schema import column_types, table_statements
from services.common.clickhouse.statement import Statement
from services.common.clickhouse.upgrade import bring_projections

DEFAULT_DATABASE = "recount"
QUERY_HANDLES = 4

# JSON text is stored as it is: strings that look like dates stay strings. A batch of old events may
# touch more months than the engine's guard against careless partition keys allows.
_INSERT_SETTINGS: Mapping[str, object] = {
    # A server that gathers inserts would remember tokens of its own making.
    "async_insert": 0,
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
    "max_partitions_per_insert_block": 0,
}

_KILL_EVERY_SECONDS = 0.05
_KILL_ATTEMPTS = 100


class ClickHouse:
    """One database on one engine. Safe to use from many tasks at once."""

    def __init__(self, engine: Engine, database: str, limits: QueryLimits) -> None:
        self._engine = engine
        self.database = database
        self._limits = limits.settings()
        self._longest = limits.max_statement_bytes
        self._types = column_types()
        self._running: set[str] = set()

    @classmethod
    async def open(cls, url: str, limits: QueryLimits | None = None) -> "ClickHouse":
        """Connect, and make the database and its tables when they are missing, or bring older ones
        up to date.

        url: `embedded_url(folder)` (in this process, the only one on that folder) or
        `http(s)://user:password@host:port`. Both take `?database=` (default `recount`) and
        `&durable=0`, for tables that need not survive a power cut; the latter `&cluster=`, under
        which tables are then replicated.
        """
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        database = options.get("database", [DEFAULT_DATABASE])[0]
        cluster = options.get("cluster", [None])[0]
        engine = await _engine(parts.scheme, url, database, cluster)
        opened = cls(engine, database, limits or QueryLimits())
        try:
            durable = options.get("durable") != ["0"]
            for statement in table_statements(cluster, durable).values():
                await opened.command(statement)
            await bring_projections(engine, database, cluster)
        except EngineError:
            await engine.close()
            raise
        return opened

    async def __aenter__(self) -> "ClickHouse":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def query(
        self,
        statement: Statement,
        *,
        query_id: str | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> list[Row]:
        """The rows; times are aware, UTC. settings: win over the limits.

        query_id: what `cancel` is called with, unique among running queries. A task that is
        cancelled while it waits stops its query. Raises EngineError's kinds.
        """
        if (length := len(statement.text)) > self._longest:
            # The engine would call it a syntax error.
            raise StatementTooLarge(TOO_BIG_AST, f"a statement of {length:,} characters")
        name = query_id or str(uuid4())
        self._running.add(name)
        try:
            return await self._engine.query(
                statement.text, statement.parameters, name, {**self._limits, **(settings or {})}
            )
        except asyncio.CancelledError:
            await self._engine.kill(name)
            raise
        finally:
            self._running.discard(name)

    async def insert(
        self,
        table: str,
        columns: Mapping[str, Sequence[Any]],
        *,
        deduplication_token: str | None = None,
    ) -> None:
        """Append rows, given as columns of equal length. Times: datetimes, or µs since 1970.

        deduplication_token: a second insert with it into the same partitions does nothing,
        *whatever its rows are*, while the engine remembers the token (tables.py says how long).
        One call is one block of rows: all of a partition's rows appear together.
        """
        types = self._types[table]
        settings = dict(_INSERT_SETTINGS)
        if deduplication_token is not None:
            settings |= {
                "insert_deduplicate": 1,
                "insert_deduplication_token": deduplication_token,
            }
        names = list(columns)
        await self._engine.insert(
            table, names, [types[name] for name in names], list(columns.values()), settings
        )

    async def command(self, text: str, parameters: Mapping[str, object] | None = None) -> None:
        """A statement without rows: DDL, ALTER, INSERT … SELECT."""
        await self._engine.command(text, parameters or {}, {})

    async def cancel(self, query_id: str) -> None:
        """Stop a query, whichever process it was sent from; its caller gets QueryCancelled.

        Returns when it has ended, if it is one of this object's. Nothing happens when none runs.
        """
        # Asked again: the first time the query may not have reached the engine yet.
        for _ in range(_KILL_ATTEMPTS):
            await self._engine.kill(query_id)
            if query_id not in self._running:
                return
            await asyncio.sleep(_KILL_EVERY_SECONDS)

    async def close(self) -> None:
        await self._engine.close()


def embedded_url(folder: "os.PathLike[str]") -> str:
    """The URL of the engine in this process on this absolute folder, whatever its name holds."""
    return f"chdb://{quote(os.fsencode(folder))}"


async def _engine(scheme: str, url: str, database: str, cluster: str | None) -> Engine:
    # Imported where chosen: each brings a driver that the other way to run need not have.
    bare = urlunsplit(urlsplit(url)._replace(query=""))
    match scheme:
        case "chdb":
            from services.common.clickhouse.embedded import EmbeddedEngine

            folder = os.fsdecode(unquote_to_bytes(urlsplit(url).path))
            return await asyncio.to_thread(EmbeddedEngine, folder, database, QUERY_HANDLES)
        case "http" | "https":
            from services.common.clickhouse.server import ServerEngine

            return await ServerEngine.open(bare, database, cluster)
        case _:
            raise ValueError(f"a ClickHouse URL starts with chdb://, http:// or https://: {url}")
