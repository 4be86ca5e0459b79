"""chDB in this process: several handles on the one engine, their blocking calls in threads.

A handle runs one call at a time, so each executor below has as many threads as handles, and a
thread takes a handle for the time of one call. Nothing here belongs to an event loop.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import LifoQueue
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.common.clickhouse.engine import QueryAnswer, Settings, answer_of
from services.common.clickhouse.errors import engine_error

# Queries carry our id in this setting: chDB gives each query an id of its own choice.
QUERY_ID_SETTING = "log_comment"
KILL = (
    f"KILL QUERY WHERE Settings['{QUERY_ID_SETTING}'] = {{query_id:String}}"
    " AND query_id != queryID() ASYNC"
)

_Result = TypeVar("_Result")


class _Clients:
    """Clients on the engine and the threads they are used from."""

    def __init__(self, name: str, folder: str, database: str, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"chdb-{name}")
        self._free: LifoQueue[Client] = LifoQueue()
        for _ in range(count):
            self._free.put(_connect(folder, database))

    async def run(self, call: Callable[[Client], _Result]) -> _Result:
        """The call's result, computed in one of the threads. Raises EngineError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._with_handle, call)
        except ClickHouseError as cause:
            raise engine_error(str(cause), getattr(cause, "code", None)) from cause

    def close(self) -> None:
        """Waits for the calls that run, refuses those that wait."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._free.empty():
            self._free.get().close()

    def _with_handle(self, call: Callable[[Client], _Result]) -> _Result:
        handle = self._free.get()
        try:
            return call(handle)
        finally:
            self._free.put(handle)


@cache
def _named(folder: str) -> str:
    """The folder as chDB takes it: as text, in which "?" begins its options.

    Another folder goes by the number of an open file, which is the same one as long as the process
    runs: the engine takes no second name.
    """
    try:
        plain = "?" not in folder and bool(folder.encode())
    except UnicodeEncodeError:
        plain = False
    if plain:
        return folder
    os.makedirs(folder, exist_ok=True)
    return f"file:/proc/self/fd/{os.open(folder, os.O_RDONLY | os.O_DIRECTORY)}"


def _connect(folder: str, database: str) -> Client:
    client = clickhouse_connect.get_client(interface="chdb", path=folder, tz_mode="aware")
    client.command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
    client.database = database
    return client


class EmbeddedEngine:
    """The process's one chDB engine, on a folder that no other process may have open."""

    def __init__(self, folder: str, database: str, query_handles: int) -> None:
        folder = _named(folder)
        self._queries = _Clients("query", folder, database, query_handles)
        self._writes = _Clients("write", folder, database, 1)
        self._control = _Clients("control", folder, database, 1)

    async def query(
        self, text: str, parameters: Mapping[str, object], query_id: str, settings: Settings
    ) -> QueryAnswer:
        with_id = {**settings, QUERY_ID_SETTING: query_id}
        return await self._queries.run(
            lambda client: answer_of(
                client.query(text, parameters=dict(parameters), settings=with_id)
            )
        )

    async def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Settings,
    ) -> None:
        await self._writes.run(
            lambda client: client.insert(
                table,
                columns,
                column_names=names,
                column_type_names=types,
                column_oriented=True,
                settings=dict(settings),
            )
        )

    async def command(
        self, text: str, parameters: Mapping[str, object], settings: Settings
    ) -> None:
        await self._writes.run(
            lambda client: client.command(
                text, parameters=dict(parameters), settings=dict(settings)
            )
        )

    async def kill(self, query_id: str) -> None:
        await self._control.run(
            lambda client: client.command(KILL, parameters={"query_id": query_id})
        )

    async def close(self) -> None:
        for handles in (self._queries, self._writes, self._control):
            await asyncio.to_thread(handles.close)
