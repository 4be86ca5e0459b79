"""The protocol of both engines. Rows are tuples; values are bound, never part of the text."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import msgspec
from clickhouse_connect.driver.query import QueryResult

Row = tuple[Any, ...]
Settings = Mapping[str, object]


class QueryAnswer(msgspec.Struct, frozen=True):
    """rows: of the answer. read_rows, read_bytes: what the engine had to read for them."""

    rows: list[Row]
    read_rows: int
    read_bytes: int


def answer_of(result: QueryResult) -> QueryAnswer:
    """The driver promises sequences and gives tuples; its summary is of texts."""
    told = result.summary or {}
    return QueryAnswer(
        cast(list[Row], list(result.result_rows)),
        int(told.get("read_rows", 0)),
        int(told.get("read_bytes", 0)),
    )


class Engine(Protocol):
    """chDB in process, or a server by URL. Every method raises EngineError alone."""

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> QueryAnswer: ...

    async def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Settings,
    ) -> None: ...

    async def command(
        self, text: str, parameters: Mapping[str, object], settings: Settings
    ) -> None: ...

    async def kill(self, query_id: str) -> None:
        """Ask the engine to stop the query with this id; nothing happens when none runs."""

    async def close(self) -> None: ...
