"""What stands in for a ClickHouse server: one chDB engine behind ClickHouse's HTTP interface.

A process of its own (`python -m tests.clickhouse_server FOLDER CONTROL PORT PORT`), so that several
services that are processes can share one. Its ports are the replicas of one shard: both show the
one engine, as replicas do that wait for each other, and each has a switch (`Fault`). `tests.shards`
starts it.

Not as on a server: replicated tables are plain ones of the one engine; query ids are the engine's
own (ours stands in `log_comment`, where KILL finds it); there are no sessions, users, quotas or
progress headers; and a statement fails before the first byte of its answer or not at all, but CUT
ends a body in the middle.
"""

import asyncio
import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import chdb
import lz4.frame  # type: ignore[import-untyped]
import msgspec
import multipart  # type: ignore[import-untyped]
import uvicorn

from tests.shards import Fault, Switch

# As a server's own limits.
MOST_URI_BYTES = 1024 * 1024
MOST_FIELD_BYTES = 128 * 1024

# The interface takes these itself; the engine does not know them.
_TRANSPORT = {
    "buffer_size",
    "client_protocol_version",
    "compress",
    "database",
    "decompress",
    "enable_http_compression",
    "http_headers_progress_interval_ms",
    "query",
    "query_id",
    "quota_key",
    "role",
    "send_progress_in_http_headers",
    "session_check",
    "session_id",
    "session_timeout",
    "wait_end_of_query",
}
# What chDB has no replicas for.
_OF_REPLICAS = {
    "alter_sync",
    "insert_quorum",
    "insert_quorum_parallel",
    "insert_quorum_timeout",
    "select_sequential_consistency",
}
_CODE = re.compile(r"Code: (\d+)\.")
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(.*?)\s+FORMAT\s+(\w+)\s*\n", re.IGNORECASE | re.DOTALL)
_WRITES = re.compile(rb"\s*(INSERT|CREATE|ALTER|DROP|TRUNCATE|DELETE|OPTIMIZE)\b", re.IGNORECASE)
# chDB makes replicated tables, and then takes no rows for them.
_REPLICATED = re.compile(r"Replicated(\w*)MergeTree\('[^']*', '\{replica\}'(?:, )?(\w*)\)")
_WINDOWS = re.compile(
    r"replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+"
)
_TABLES = "(SELECT * REPLACE ('Replicated' || engine AS engine) FROM system.tables)"
_KILL = re.compile(r"KILL QUERY WHERE query_id = \{query_id:String\}")
_KILL_HERE = (
    "KILL QUERY WHERE Settings['log_comment'] = {query_id:String} AND query_id != queryID()"
)
THREADS = 16


class Refused(Exception):
    """What the engine, or a server in its place, would not do. The text begins with its code."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = _CODE.search(text)
        self.code = int(found[1]) if found else 1002


class Request(msgspec.Struct, frozen=True):
    """given: everything of the URL and of the form. body: what followed, the statement first."""

    given: Mapping[str, str]
    body: bytes

    @property
    def statement(self) -> bytes:
        query = self.given.get("query", "").encode()
        return query + b"\n" + self.body if query and self.body else query or self.body


class Engine:
    """The process's one engine; a handle for every request, since settings are a handle's own."""

    def __init__(self, folder: Path, *, replicated: bool) -> None:
        """replicated: tables are shown as such, and made as such ones are asked for."""
        self._folder = str(folder)
        self._replicated = replicated
        # The engine ends with its last handle.
        self._kept = chdb.connect(self._folder)
        self._kept.query("CREATE DATABASE IF NOT EXISTS default", "TabSeparated")

    def run(self, request: Request) -> bytes:
        """The answer's body. Raises Refused."""
        try:
            with contextlib.closing(chdb.connect(self._folder)) as handle:
                self._settle(handle, request.given)
                return self._answer(handle, request)
        except Refused:
            raise
        except Exception as cause:
            raise Refused(str(cause)) from cause

    def _settle(self, handle: Any, given: Mapping[str, str]) -> None:
        handle.query(f"USE {_name(given.get('database') or 'default')}", "TabSeparated")
        settings = {
            name: value
            for name, value in given.items()
            if name not in _TRANSPORT | _OF_REPLICAS and not name.startswith("param_")
        }
        if query_id := given.get("query_id"):
            settings["log_comment"] = query_id
        if settings:
            pairs = (f"{_name(name)} = {_text(value)}" for name, value in settings.items())
            handle.query(f"SET {', '.join(pairs)}", "TabSeparated")

    def _answer(self, handle: Any, request: Request) -> bytes:
        statement = request.statement
        if inserting := _INSERT.match(statement):
            return self._insert(handle, inserting, statement[inserting.end() :])
        bound = {
            name.removeprefix("param_"): value
            for name, value in request.given.items()
            if name.startswith("param_")
        }
        text = _KILL.sub(_KILL_HERE, statement.decode())
        if self._replicated:
            text = _REPLICATED.sub(r"\1MergeTree(\2)", text)
            text = _WINDOWS.sub(r"non_replicated_deduplication_window = \1", text)
            text = text.replace("system.tables", _TABLES)
        return bytes(handle.query(text, "TabSeparated", params=bound).bytes() or b"")

    def _insert(self, handle: Any, inserting: "re.Match[bytes]", rows: bytes) -> bytes:
        """By way of a file: data that stands in the statement is not taken in every format."""
        table, its_format = inserting[1].decode(), inserting[2].decode()
        with tempfile.NamedTemporaryFile(suffix=".rows") as file:
            file.write(rows)
            file.flush()
            handle.query(
                f"INSERT INTO {table} FROM INFILE {_text(file.name)} FORMAT {its_format}",
                "TabSeparated",
            )
        return b""


def _name(word: str) -> str:
    if not re.fullmatch(r"\w+", word):
        raise Refused(f"Code: 62. DB::Exception: no name: {word!r}. (SYNTAX_ERROR)")
    return f"`{word}`"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Replica:
    """One port. Its switch says what is wrong with it."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor, port: int) -> None:
        self._engine = engine
        self._threads = threads
        self._port = port
        self._switch = Switch()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.statements = 0

    async def turn(self, switch: Switch) -> None:
        self._switch = switch
        if switch.fault == Fault.FROZEN:
            self._thawed.clear()
        else:
            self._thawed.set()
        if switch.fault == Fault.AWAY:
            await self.stop()
        else:
            await self.start()

    async def start(self) -> None:
        if self._server is not None:
            return
        config = uvicorn.Config(
            self, host="127.0.0.1", port=self._port, log_level="critical", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        # Signals are the process's.
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        self._serving = asyncio.create_task(self._server.main_loop())

    async def stop(self) -> None:
        """As a process that was killed: connections end at once."""
        if self._server is None or self._serving is None:
            return
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        self._server.should_exit = True
        await self._serving
        self._server = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self._thawed.wait()
        try:
            request = _request(scope, bytes(body))
            if scope["path"] == "/ping" or not request.statement:
                await _send(send, 200, b"Ok.\n", {})
                return
            self.statements += 1
            answer = await self._run(request)
        except Refused as refused:
            told = {"X-ClickHouse-Exception-Code": str(refused.code)}
            await _send(send, _status(refused.code), f"{refused}\n".encode(), told)
            return
        await self._thawed.wait()
        cut = self._switch.cut_after if self._take(Fault.CUT) else None
        await _send(send, 200, answer, _headers(request), cut)

    async def _run(self, request: Request) -> bytes:
        writes = self._concerns(request.statement)
        if writes and self._take(Fault.READ_ONLY):
            raise Refused(
                "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)"
            )
        if writes and self._take(Fault.TOO_FEW):
            raise Refused("Code: 285. DB::Exception: Too few replicas. (TOO_FEW_LIVE_REPLICAS)")
        unknown = "Code: 319. DB::Exception: Unknown status. (UNKNOWN_STATUS_OF_INSERT)"
        if writes and self._take(Fault.UNKNOWN_BEFORE):
            raise Refused(unknown)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._engine.run, request)
        if writes and self._take(Fault.UNKNOWN_AFTER):
            raise Refused(unknown)
        return answer

    def _concerns(self, statement: bytes) -> bool:
        """Whether it writes where writes are to fail."""
        into = self._switch.into.encode()
        return _WRITES.match(statement) is not None and (
            not into or re.match(rb"\s*INSERT\s+INTO\s+`?%s`?\s" % into, statement) is not None
        )

    def _take(self, fault: Fault) -> bool:
        """Whether this is wrong now; one of its times is over then."""
        if self._switch.fault != fault:
            return False
        if self._switch.times is not None:
            left = self._switch.times - 1
            self._switch = msgspec.structs.replace(self._switch, times=left) if left else Switch()
        return True


def _request(scope: Any, body: bytes) -> Request:
    query = scope["query_string"]
    if len(query) > MOST_URI_BYTES:
        raise Refused("Code: 1000. DB::Exception: URI too long. (POCO_EXCEPTION)")
    given = dict(parse_qsl(query.decode(), keep_blank_values=True))
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    if headers.get("content-encoding") == "lz4":
        body = lz4.frame.decompress(body)
    kind, options = multipart.parse_options_header(headers.get("content-type", ""))
    if kind == "multipart/form-data":
        given |= _form(body, options["boundary"])
        body = b""
    return Request(given, body)


def _form(body: bytes, boundary: str) -> dict[str, str]:
    found = {}
    for part in multipart.MultipartParser(
        io.BytesIO(body), boundary, memory_limit=2**30, part_limit=2**20
    ):
        if part.size > MOST_FIELD_BYTES:
            raise Refused("Code: 1000. DB::Exception: Field value too long. (POCO_EXCEPTION)")
        found[part.name] = part.raw.decode()
    return found


def _headers(request: Request) -> dict[str, str]:
    named = re.search(rb"\bFORMAT\s+(\w+)\s*;?\s*$", request.statement, re.IGNORECASE)
    told = {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Server-Display-Name": "stand-in"}
    if _WRITES.match(request.statement) is None:
        told["X-ClickHouse-Format"] = named[1].decode() if named else "TabSeparated"
    return told


async def _send(
    send: Any, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None
) -> None:
    """cut: the connection ends after so many bytes of the body."""
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    told.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    sent = body if cut is None else body[: min(cut, len(body) - 1)]
    await send({"type": "http.response.body", "body": sent, "more_body": cut is not None})


def _status(code: int) -> int:
    return {60: 404, 47: 404, 46: 404, 62: 400, 159: 408, 516: 403}.get(code, 500)


def control(replicas: list[Replica]) -> Any:
    """The application that turns switches: `POST /<replica>` with a Switch, `GET /<replica>` for
    the number of statements it was sent.
    """

    async def app(scope: Any, receive: Any, send: Any) -> None:
        replica = replicas[int(scope["path"].strip("/"))]
        if scope["method"] == "POST":
            await replica.turn(msgspec.json.decode((await receive())["body"], type=Switch))
        await _send(send, 200, str(replica.statements).encode(), {})

    return app


async def main(folder: Path, control_port: int, ports: list[int]) -> None:
    engine = Engine(folder, replicated=len(ports) > 1)
    threads = ThreadPoolExecutor(THREADS)
    replicas = [Replica(engine, threads, port) for port in ports]
    for replica in replicas:
        await replica.start()
    config = uvicorn.Config(
        control(replicas), port=control_port, log_level="critical", lifespan="off"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
    # Handles that are still at work would hold up the end.
    os._exit(0)
