"""PostgreSQL's NOTIFY as a bell: it says that there may be news, never what they are.

A ring that is lost costs time and nothing else, so every waiter also looks by itself now and then.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import psycopg
from psycopg import sql

from services.common.postgres.database import CONNECTION_LOST, NOTICED
from services.common.tasks import background, every

RECONNECT_SECONDS = 0.5


class Bell:
    """One connection that listens on one channel, for any number of listeners in this process."""

    def __init__(self, url: str, channel: str) -> None:
        self._url = url
        self._channel = channel
        self._listeners: set[asyncio.Event] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Rings reach listeners while the block runs."""
        listening = every(RECONNECT_SECONDS, self._listen, away=CONNECTION_LOST)
        async with background(f"bell {self._channel}", listening):
            yield

    @contextlib.contextmanager
    def listener(self) -> Iterator[asyncio.Event]:
        """An event that every ring sets. Clear it before looking, wait for it after."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    async def _listen(self) -> None:
        """As long as one connection lives."""
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, **NOTICED
        ) as conn:
            await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            # A ring before we listened was not heard.
            self._ring()
            async for _ in conn.notifies():
                self._ring()

    def _ring(self) -> None:
        for listener in self._listeners:
            listener.set()
