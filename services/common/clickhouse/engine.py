"""The protocol of both engines. Rows are tuples; values are bound, never part of the text."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from clickhouse_connect.driver.query import QueryResult

Row = tuple[Any, ...]
Settings = Mapping[str, object]


def rows_of(result: QueryResult) -> list[Row]:
    """The driver promises sequences and gives tuples."""
    return cast(list[Row], list(result.result_rows))


class Engine(Protocol):
    """chDB in process, or a server by URL. Every method raises EngineError alone."""

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> list[Row]: ...

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
