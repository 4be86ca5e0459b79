"""Load over HTTP for the benchmarks: a server in a process of its own, and connections to it."""

import asyncio
import multiprocessing
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import uvicorn
import uvloop
from litestar import Litestar, Response, get
from litestar.params import FromPath

from services.common.process import settle

CONNECTIONS = 16
ROUND_SECONDS = 0.6


@get("/constant/{size:int}/")
async def constant(size: FromPath[int]) -> Response[bytes]:
    """As many bytes as asked for, and nothing else."""
    return Response(b"x" * size, media_type="application/json")


def _serve(create_app: Callable[[str], Litestar], url: str, listening: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(url),
        log_level="warning",
        access_log=False,
        http="httptools",
        lifespan="on",
        server_header=False,
        proxy_headers=False,
    )
    settle()
    uvloop.run(uvicorn.Server(config).serve(sockets=[listening]))


@contextmanager
def server(create_app: Callable[[str], Litestar], url: str) -> Iterator[str]:
    """A process that serves `create_app(url)`; its own URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        # A socket made elsewhere is not known to be TCP, so nobody else would set it: without it,
        # each answer waits for the other side's delayed acknowledgement, 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(create_app, url, listening), daemon=True
        )
        process.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.join()


async def started(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        while True:
            try:
                (await client.get("/_livez")).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


class Load:
    """Requests over connections that stay open, as fast as they are answered.

    latencies: seconds of each request so far; whoever looks clears them.
    """

    def __init__(self, url: str, key: str, connections: int = CONNECTIONS) -> None:
        address = urlsplit(url)
        self._connections = connections
        self.latencies: list[float] = []
        self._host, self._port = address.hostname, address.port
        self._headers = {"Host": address.netloc, "Authorization": f"Bearer {key}"}

    async def reads(self, path: str, headers: Mapping[str, str] | None = None) -> float:
        """Answers per second. A path that ends in `=` gets another value each time, so that
        nothing that is remembered answers it.
        """
        if path.endswith("="):
            return await self._rate(
                lambda connection, count: self._request(
                    "GET", f"{path}{connection}-{perf_counter()}", headers or {}
                )
            )
        request = self._request("GET", path, headers or {})
        return await self._rate(lambda connection, count: request)

    async def writes(self, method: str, path: Callable[[int, int], str]) -> float:
        """Answers per second. path: from the connection and its count, so that each is new.

        The body is a name that nobody had before.
        """

        def request(connection: int, count: int) -> bytes:
            body = f'{{"name":"{connection} {count} {perf_counter()}"}}'
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            return self._request(method, path(connection, count), headers) + body.encode()

        return await self._rate(request)

    def _request(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{name}: {value}" for name, value in {**self._headers, **headers}.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()

    async def _rate(self, request: Callable[[int, int], bytes]) -> float:
        start = perf_counter()
        counts = await asyncio.gather(
            *(
                self._ask(request, connection, start + ROUND_SECONDS)
                for connection in range(self._connections)
            )
        )
        return sum(counts) / (perf_counter() - start)

    async def _ask(
        self, request: Callable[[int, int], bytes], connection: int, until_: float
    ) -> int:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=2**22)
        count = 0
        while perf_counter() < until_:
            sent = perf_counter()
            writer.write(request(connection, count))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
            assert status in (200, 304), head
            if status == 200:
                _, _, length = head.partition(b"content-length: ")
                await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
            self.latencies.append(perf_counter() - sent)
            count += 1
        writer.close()
        await writer.wait_closed()
        return count
