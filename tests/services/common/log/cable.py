"""The cable between a client and PostgreSQL, to be cut at a chosen moment."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

SOCKET = ".s.PGSQL.5432"


class Cable:
    """Passes bytes on between a client and the server until it is told not to.

    cuts: how often it was cut.
    """

    def __init__(self, server: Path) -> None:
        self.cuts = 0
        self.was_cut = asyncio.Event()
        self.unplugged = False
        self._server = server
        self._cut_asking: bytes | None = None
        self._cut_answering: bytes | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def cut_before_server_hears(self, word: bytes) -> None:
        """The next request that holds `word` is lost, and the connection with it."""
        self._cut_asking = word

    def cut_before_client_hears(self, word: bytes) -> None:
        """The next answer that holds `word` is lost, and the connection with it."""
        self._cut_answering = word

    def cut(self) -> None:
        """Now, every connection."""
        self.cuts += 1
        self.was_cut.set()
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.unplugged:
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_unix_connection(str(self._server))
        self._writers |= {writer, up_writer}
        with suppress(ConnectionError):
            await asyncio.gather(
                self._asking(reader, up_writer), self._answering(up_reader, writer)
            )

    async def _asking(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._cut_asking is not None and self._cut_asking in data:
                self._cut_asking = None
                self.cut()
                return
            server.write(data)
        server.close()

    async def _answering(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._cut_answering is not None and self._cut_answering in data:
                self._cut_answering = None
                self.cut()
                return
            client.write(data)
        client.close()


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to the server of this URL (on a unix socket), and the URL at its other end."""
    parts = conninfo_to_dict(url)
    laid = Cable(Path(str(parts["host"])) / SOCKET)
    with tempfile.TemporaryDirectory(prefix="rct-") as folder:
        server = await asyncio.start_unix_server(laid.connected, str(Path(folder) / SOCKET))
        async with server:
            yield (
                laid,
                f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(folder, safe='')}",
            )
            laid.cut()
