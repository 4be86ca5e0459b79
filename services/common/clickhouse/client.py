"""ClickHouse as the services use it: bound statements, columns to insert, queries to cancel."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from uuid import uuid4

from services.common.clickhouse.address import Shard, shards
from services.common.clickhouse.engine import Engine, QueryAnswer, Row
from services.common.clickhouse.errors import (
    TOO_BIG_AST,
    EngineAway,
    EngineError,
    StatementTooLarge,
)
from services.common.clickhouse.metrics import measured
from services.common.clickhouse.query_limits import QueryLimits
from services.common.clickhouse.replicas import Replicas
from services.common.clickhouse.schema import Form, column_types
from services.common.clickhouse.statement import Statement
from services.common.clickhouse.upgrade import Tables
from services.common.logs import logger
from services.common.tasks import describe

log = logger("recount.clickhouse")

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

# So many replicas all have a block before it counts; of more, the majority.
_ALL_OF = 2
_QUORUM_MILLISECONDS = 20_000

_KILL_EVERY_SECONDS = 0.05
_KILL_ATTEMPTS = 100
_KILL_SECONDS = 1.0


class ClickHouse:
    """One shard: its database, on one engine. Safe to use from many tasks at once."""

    def __init__(
        self,
        engine: Engine,
        tables: Tables,
        limits: QueryLimits,
        reading: Mapping[str, object] | None = None,
        writing: Mapping[str, object] | None = None,
    ) -> None:
        """reading, writing: settings of every query, and of every insert."""
        self._engine = engine
        self.database = tables.database
        self._tables = tables
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._limits = {**limits.settings(), **(reading or {})}
        self._longest = limits.max_statement_bytes
        self._slow_seconds = limits.slow_seconds
        self._writing = {**_INSERT_SETTINGS, **(writing or {})}
        self._types = column_types()
        self._running: set[str] = set()
        self._killing: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, url: str, limits: QueryLimits | None = None) -> "ClickHouse":
        """The first shard of a URL, which has one (see `address`). Raises EngineError."""
        return await cls.open_shard(shards(url)[0], limits)

    @classmethod
    async def open_shard(
        cls,
        shard: Shard,
        limits: QueryLimits | None = None,
        *,
        quorum: int | None = None,
        uuid_days: int | None = None,
    ) -> "ClickHouse":
        """Connect; on one node, make the database and its tables when they are missing, or bring
        older ones up to date. A server that is away is connected to later: until then statements
        raise EngineAway.

        quorum: of the replicas that must have a block before it counts. uuid_days: see Tables.
        """
        chosen = limits or QueryLimits()
        opened = cls(
            await _engine(shard, chosen.max_execution_seconds),
            Tables(shard.database, Form(shard.replicated, shard.durable), uuid_days),
            chosen,
            _reading(shard),
            _writing(shard, quorum),
        )
        try:
            await opened._prepare()
        except EngineAway as away:
            log.warning("engine_away", shard=shard.number, cause=away.message)
        except EngineError:
            await opened.close()
            raise
        return opened

    async def _prepare(self) -> None:
        """Bring the tables up to date, once; until that worked, before every statement."""
        if self._prepared:
            return
        async with self._preparing:
            if not self._prepared:
                await self._tables.bring_up_to_date(self._engine)
                self._prepared = True

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
        await self._prepare()
        name = query_id or str(uuid4())
        self._running.add(name)
        began = time.monotonic()
        try:
            with measured("query"):
                answer = await self._engine.query(
                    statement.text, statement.parameters, name, {**self._limits, **(settings or {})}
                )
        except asyncio.CancelledError:
            # In a task of its own: a server that does not answer must not hold up who cancels.
            self._kill_apart(name)
            raise
        finally:
            self._running.discard(name)
        seconds = time.monotonic() - began
        if seconds > self._slow_seconds:
            _tell_slow(statement, answer, seconds)
        return answer.rows

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
        await self._prepare()
        types = self._types[table]
        settings = dict(self._writing)
        if deduplication_token is not None:
            settings |= {
                "insert_deduplicate": 1,
                "insert_deduplication_token": deduplication_token,
            }
        names = list(columns)
        with measured("insert"):
            await self._engine.insert(
                table, names, [types[name] for name in names], list(columns.values()), settings
            )

    async def command(self, text: str, parameters: Mapping[str, object] | None = None) -> None:
        """A statement without rows: DDL, ALTER, INSERT … SELECT."""
        await self._prepare()
        with measured("command"):
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

    def _kill_apart(self, query_id: str) -> None:
        killing = asyncio.create_task(self._kill_soon(query_id), name=f"kill {query_id}")
        self._killing.add(killing)
        killing.add_done_callback(self._killing.discard)

    async def _kill_soon(self, query_id: str) -> None:
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                await self._engine.kill(query_id)
        except (EngineError, TimeoutError) as cause:
            # It ends by its own limits.
            log.warning("query_not_killed", query=query_id, cause=describe(cause))

    async def close(self) -> None:
        if self._killing:
            await asyncio.wait(self._killing)
        await self._engine.close()


def _tell_slow(statement: Statement, answer: QueryAnswer, seconds: float) -> None:
    """The values are not told: they are the callers', and may be anybody's name."""
    log.warning(
        "slow_query",
        sql=statement.text,
        bound=sorted(statement.parameters),
        rows=answer.read_rows,
        bytes=answer.read_bytes,
        seconds=round(seconds, 3),
    )


def _reading(shard: Shard) -> Mapping[str, object]:
    # Of two replicas, both have whatever was told to be stored.
    return {"select_sequential_consistency": 1} if len(shard.replicas) > _ALL_OF else {}


def _writing(shard: Shard, quorum: int | None) -> Mapping[str, object]:
    if not shard.replicated:
        return {}
    count = len(shard.replicas)
    return {
        "insert_quorum": quorum or (count if count <= _ALL_OF else count // 2 + 1),
        "insert_quorum_parallel": 0,
        "insert_quorum_timeout": _QUORUM_MILLISECONDS,
    }


async def _engine(shard: Shard, longest_seconds: float) -> Engine:
    # Imported where chosen: each brings a driver that the other way to run need not have.
    if shard.folder is not None:
        from services.common.clickhouse.embedded import EmbeddedEngine

        return await asyncio.to_thread(EmbeddedEngine, shard.folder, shard.database, QUERY_HANDLES)
    from services.common.clickhouse.server import ServerEngine

    nodes = [
        ServerEngine(url, shard.database, longest_seconds=longest_seconds, ca_file=shard.ca_file)
        for url in shard.replicas
    ]
    return Replicas(nodes, shard=shard.number) if shard.replicated else nodes[0]
