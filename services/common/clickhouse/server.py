"""A ClickHouse server by URL, through clickhouse-connect's async client."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from services.common.clickhouse.engine import QueryAnswer, Settings, answer_of
from services.common.clickhouse.errors import NETWORK_ERROR, EngineError, engine_error

CONNECT_SECONDS = 2
# Beyond the time that the server lets a statement run: it ends it itself, and says so.
MORE_SECONDS = 5


class ServerEngine:
    """One pooled HTTP client; queries run side by side on it. It connects when it is first asked:
    a server that is away then is asked again the next time.
    """

    def __init__(
        self, url: str, database: str, *, longest_seconds: float, ca_file: str | None = None
    ) -> None:
        """url: `http(s)://user:password@host:port`. Makes the database when it is missing.
        longest_seconds: of a statement. ca_file: authorities of the server's certificate.
        """
        self._url = url
        self._database = database
        self._answer_seconds = longest_seconds + MORE_SECONDS
        self._ca_file = ca_file
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> AsyncClient:
        client = await clickhouse_connect.get_async_client(
            dsn=self._url,
            autogenerate_session_id=False,
            tz_mode="aware",
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=self._answer_seconds,
            ca_cert=self._ca_file,
        )
        try:
            await client.command(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
        except BaseException:
            await client.close()
            raise
        client.database = self._database
        return client

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> QueryAnswer:
        try:
            client = await self._connected()
            result = await client.query(
                text,
                parameters=dict(parameters),
                settings={**settings, "query_id": query_id},
            )
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause
        return answer_of(result)

    async def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Settings,
    ) -> None:
        try:
            client = await self._connected()
            await client.insert(
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
            client = await self._connected()
            await client.command(text, parameters=dict(parameters), settings=dict(settings))
        except (ClickHouseError, OSError) as cause:
            raise _named(cause) from cause

    async def kill(self, query_id: str) -> None:
        await self.command(
            "KILL QUERY WHERE query_id = {query_id:String} ASYNC", {"query_id": query_id}, {}
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


def _named(cause: Exception) -> EngineError:
    code = getattr(cause, "code", None)
    # Told by the driver itself: no server said anything.
    if isinstance(cause, OSError) or (isinstance(cause, OperationalError) and code is None):
        code = NETWORK_ERROR
    return engine_error(str(cause), code)
