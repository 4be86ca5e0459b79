"""The cable between a client and a server, in a thread of its own: cut, hung, slow or half open.

Each fault counts what it did, so that a test can see that it took effect.
"""

import asyncio
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

T = TypeVar("T")

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
State = Literal["whole", "cut", "hung", "half open"]


class Cable:
    """Passes bytes on, both ways, until it is told not to.

    held: bytes that were not passed on, or late. refused: connections that nobody got.
    """

    def __init__(self, connect: Callable[[], Awaitable[Pair]], address: str) -> None:
        self.address = address
        self.held = 0
        self.refused = 0
        self._connect = connect
        self._state: State = "whole"
        self._seconds_each = 0.0
        self._left: int | None = None
        self._mended = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def of(self, url: str) -> str:
        """A URL of PostgreSQL's, by way of this cable (its folder)."""
        parts = conninfo_to_dict(url)
        host = quote(self.address, safe="")
        return f"postgresql://{parts['user']}@/{parts['dbname']}?host={host}"

    def cut(self) -> None:
        """Every connection ends, and none is made."""
        self._call(self._cut())

    def hang(self) -> None:
        """Connections stand; nothing comes through, and a new one is accepted by nobody."""
        self._call(self._become("hung"))

    def half_open(self) -> None:
        """What the client sends arrives; no answer does."""
        self._call(self._become("half open"))

    def slow(self, seconds_each: float) -> None:
        """Each piece, of 64 KiB at most, takes so long."""
        self._seconds_each = seconds_each

    def cut_after(self, answered: int) -> None:
        """Everything is cut once so many more bytes were answered: in the midst of an answer."""
        self._left = answered

    def mend(self) -> None:
        """What was held comes through."""
        self._seconds_each, self._left = 0.0, None
        self._call(self._become("whole"))

    def _call(self, what: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _become(self, state: State) -> None:
        self._state = state
        if state == "whole":
            self._mended.set()
        else:
            self._mended.clear()

    async def _cut(self) -> None:
        await self._become("cut")
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        # Those who were held find their connection closed.
        self._mended.set()

    async def serve(self, start: Callable[..., Awaitable[asyncio.Server]]) -> None:
        """Until cancelled. start: as asyncio.start_server."""
        self._loop = asyncio.get_running_loop()
        server = await start(self._connected)
        async with server:
            await asyncio.Event().wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._state != "whole":
            self.refused += 1
        if self._state == "cut":
            writer.close()
            return
        if self._state != "whole":
            await self._mended.wait()
        try:
            up_reader, up_writer = await self._connect()
        except OSError:
            writer.close()
            return
        self._writers |= {writer, up_writer}
        with suppress(OSError):
            await asyncio.gather(
                self._pass(reader, up_writer, answering=False),
                self._pass(up_reader, writer, answering=True),
            )
        self._writers -= {writer, up_writer}
        writer.close()
        up_writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answering: bool
    ) -> None:
        while data := await reader.read(65536):
            if self._state == "hung" or (self._state == "half open" and answering):
                self.held += len(data)
                await self._mended.wait()
            if self._seconds_each:
                self.held += len(data)
                await asyncio.sleep(self._seconds_each)
            if self._left is not None and answering:
                self._left -= len(data)
                if self._left < 0:
                    writer.write(data[: self._left])
                    self._left = None
                    await self._cut()
                    return
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def laid(cable: Cable, start: Callable[..., Awaitable[asyncio.Server]]) -> Iterator[Cable]:
    """The cable works while the block runs."""
    loop = asyncio.new_event_loop()
    serving = loop.create_task(cable.serve(start))
    thread = threading.Thread(target=_run, args=(loop, serving), daemon=True)
    thread.start()
    try:
        # The socket is there once the loop has had a turn.
        while cable._loop is None and not serving.done():
            threading.Event().wait(0.01)
        yield cable
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(60)


def _run(loop: asyncio.AbstractEventLoop, serving: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(serving)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@contextmanager
def socket_cable(server: Path) -> Iterator[Cable]:
    """To a server on a unix socket; its address is the folder of one of the same name."""
    with tempfile.TemporaryDirectory(prefix="rct-", ignore_cleanup_errors=True) as folder:
        cable = Cable(lambda: asyncio.open_unix_connection(str(server)), folder)
        path = str(Path(folder) / server.name)
        with laid(cable, lambda connected: asyncio.start_unix_server(connected, path)):
            yield cable


@contextmanager
def port_cable(server: int, port: int) -> Iterator[Cable]:
    """To a server on a port of this machine; `port` is its other end."""
    cable = Cable(lambda: asyncio.open_connection("127.0.0.1", server), f"127.0.0.1:{port}")
    with laid(cable, lambda connected: asyncio.start_server(connected, "127.0.0.1", port)):
        yield cable
