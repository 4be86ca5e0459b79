"""A ClickHouse server or cluster by URL, through clickhouse-connect's async client."""

from collections.abc import Mapping, Sequence
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.common.clickhouse.engine import Row, Settings, rows_of
from services.common.clickhouse.errors import EngineError, engine_error
from services.common.clickhouse.schema import on_cluster

# Not the engine's number: the server could not be reached at all (ClickHouse's NETWORK_ERROR).
_NETWORK_ERROR = 210


class ServerEngine:
    """One pooled HTTP client; queries run side by side on it."""

    def __init__(self, client: AsyncClient, cluster: str | None) -> None:
        self._client = client
        self._cluster = cluster

    @classmethod
    async def open(cls, url: str, database: str, cluster: str | None) -> "ServerEngine":
        """url: `http(s)://user:password@host:port`; makes the database when it is missing."""
        try:
            client = await clickhouse_connect.get_async_client(
                dsn=url, autogenerate_session_id=False, tz_mode="aware"
            )
            await client.command(f"CREATE DATABASE IF NOT EXISTS `{database}`{on_cluster(cluster)}")
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause
        client.database = database
        return cls(client, cluster)

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> list[Row]:
        try:
            result = await self._client.query(
                text,
                parameters=dict(parameters),
                settings={**settings, "query_id": query_id},
            )
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause
        return rows_of(result)

    async def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Settings,
    ) -> None:
        try:
            await self._client.insert(
                table,
                columns,
                column_names=names,
                column_type_names=types,
                column_oriented=True,
                settings=dict(settings),
            )
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause

    async def command(
        self, text: str, parameters: Mapping[str, object], settings: Settings
    ) -> None:
        try:
            await self._client.command(text, parameters=dict(parameters), settings=dict(settings))
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause

    async def kill(self, query_id: str) -> None:
        await self.command(
            f"KILL QUERY{on_cluster(self._cluster)} WHERE query_id = {{query_id:String}} ASYNC",
            {"query_id": query_id},
            {},
        )

    async def close(self) -> None:
        await self._client.close()


def _named(cause: Exception) -> EngineError:
    if isinstance(cause, OSError):
        return engine_error(str(cause), _NETWORK_ERROR)
    return engine_error(str(cause), getattr(cause, "code", None))
