"""The middleware that records reads: after the answer is made, before its first byte leaves."""

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from contracts.reads import Read, Reader, Surface, VisitorReader, printable
from contracts.references import insight_reference, number_in
from services.common.http.as_of import AS_OF
from services.common.http.caller import project_of_refused
from services.common.http.heads import asks_for_head
from services.common.http.problems import Problem
from services.common.http.proxies import TrustedProxies
from services.common.http.read_notes import ReadNote, begin
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.postgres.installation import installation
from services.common.tasks import passing_over
from services.query.reads_trail.clients import address, client_name
from services.query.reads_trail.kinds import ReadKind, kind_of
from services.query.reads_trail.options import ReadsOptions
from services.query.reads_trail.rows import TrailRows
from services.query.reads_trail.spool import Spool, TrailUnavailable, make_folder

UNAVAILABLE = Problem(
    type="server_error",
    code="audit_unavailable",
    detail="This read can't be recorded now, so it is not answered.",
)
RETRY_AFTER_SECONDS = 5
# How often an answer without an end tells what it has sent.
STREAM_SECONDS = 3600.0
_LONGEST_AS_OF = 64
_ALWAYS_STORED: frozenset[Surface] = frozenset({"audit", "export"})


class ReadTrail:
    """Of one process. Nothing is recorded while it is not open, or not wanted."""

    def __init__(self, options: ReadsOptions, proxies: TrustedProxies) -> None:
        self._options = options
        self._proxies = proxies
        self._spool: Spool | None = None
        self._state = State()

    @contextlib.asynccontextmanager
    async def open(
        self, state: State, crash_at: Callable[[str], None] = lambda point: None
    ) -> AsyncIterator[None]:
        """state: of the application, with its pool and accounts, and its reads by then."""
        rows = TrailRows(state.pool)
        if self._options.reads == "off":
            async with _told_off(rows):
                yield
            return
        folder = make_folder(await self._folder(state.pool))
        spool = Spool(folder, rows, self._options.reads_spool_bytes, crash_at)
        async with spool.open():
            self._state = state
            self._spool = spool
            try:
                yield
            finally:
                self._spool = None
        if not self._options.reads_spool:
            with contextlib.suppress(OSError):
                folder.rmdir()

    async def _folder(self, pool: Pool) -> Path:
        if self._options.reads_spool:
            return Path(self._options.reads_spool)
        # Of this database alone: reads of another one, a restored copy too, must not get into it.
        async with pool.connection() as conn:
            place = f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}"
        own = sha256(place.encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"recount-reads-{await installation(pool)}-{own}"

    def recorded(self, app: ASGIApp) -> ASGIApp:
        """Around the routing, and whatever rewrites an answer."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            if self._spool is None or scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            answering = _Answering(self, self._spool, scope, send)
            try:
                await app(scope, receive, answering.send)
            finally:
                await answering.over()

        return recording

    async def read(self, scope: Scope, note: ReadNote, start: Any) -> Read | None:
        """The read whose answer begins with `start`; None when it is none, or nobody was let in."""
        handler = scope.get("route_handler")
        kind = None if handler is None or note.reader is None else kind_of(handler)
        if kind is None or note.reader is None or start["status"] == 401:
            return None
        if note.team_id is None:
            note.team_id = await project_of_refused(scope, note, self._state.accounts)
        if note.team_id is None:
            return None
        if not note.shown.items:
            await self._note_named(scope, note)
        return self._read(scope, note, note.reader, kind, start)

    async def _note_named(self, scope: Scope, note: ReadNote) -> None:
        """The one thing that the path names, where nothing else was noted."""
        if not (named := _named(scope)):
            return
        number = number_in(named)
        found = None if "insight" not in scope["path_params"] else insight_reference(named)
        if found is not None and found.short_id is not None and note.team_id is not None:
            # Kept in memory by whoever has answered; a request that was refused finds nothing.
            with passing_over("reads: named", *CONNECTION_LOST):
                number = await self._state.reads.insights.number(note.team_id, found.short_id)
        if number is not None:
            note.shown = msgspec.structs.replace(note.shown, items=(number,))

    def is_stored(self, read: Read) -> bool:
        """Whether its answer waits until PostgreSQL has it."""
        return self._options.reads_sync == "always" or read.surface in _ALWAYS_STORED

    def _read(
        self, scope: Scope, note: ReadNote, reader: Reader, kind: ReadKind, start: Any
    ) -> Read:
        shown = note.shown
        surface, (size, is_csv) = kind.surface, _size_and_csv(start["headers"])
        if surface == "api":
            if isinstance(reader, VisitorReader):
                surface = "share"
            elif is_csv:
                surface = "export"
        keeps = self._options.reads_client
        query = scope["query_string"]
        return Read(
            at=datetime.now(UTC),
            actor=reader,
            surface=surface,
            what=note.what or kind.what,
            items=shown.items,
            insights=shown.insights,
            as_of=_as_of(query) if b"as_of" in query else None,
            refresh=shown.refresh,
            status=start["status"],
            from_cache=shown.from_cache,
            bytes=0 if asks_for_head(scope) else size,
            ip=None if keeps == "none" else address(scope, self._proxies),
            client=client_name(scope["headers"]) if keeps == "ip+client" else None,
            correlation_id=note.correlation_id,
        )


class _Answering:
    """One request's answer on its way out."""

    __slots__ = ("_first", "_note", "_refused", "_scope", "_send", "_spool", "_told_at", "_trail")

    def __init__(self, trail: ReadTrail, spool: Spool, scope: Scope, send: Send) -> None:
        self._trail = trail
        self._spool = spool
        self._scope = scope
        self._send = send
        self._note = begin(scope)
        self._first: Read | None = None
        self._refused = False
        self._told_at = 0.0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._first = read = await self._trail.read(self._scope, self._note, message)
            if read is not None:
                try:
                    await self._spool.record(
                        self._note.team_id or 0, read, stored=self._trail.is_stored(read)
                    )
                except TrailUnavailable:
                    self._refused = True
                    await _refuse(self._send)
            self._told_at = time.monotonic()
        elif self._note.sequences and time.monotonic() - self._told_at >= STREAM_SECONDS:
            await self.over()
        if not self._refused:
            await self._send(message)

    async def over(self) -> None:
        """Tells what an answer without an end has sent since it was told last.

        It goes on if that can't be recorded: what it began with was.
        """
        note, first = self._note, self._first
        if not note.sequences or first is None:
            return
        read = msgspec.structs.replace(first, at=datetime.now(UTC), items=note.sequences)
        note.sequences = ()
        self._told_at = time.monotonic()
        with contextlib.suppress(TrailUnavailable):
            await self._spool.record(note.team_id or 0, read, stored=False)


@contextlib.asynccontextmanager
async def _told_off(rows: TrailRows) -> AsyncIterator[None]:
    """Nothing is recorded while the block runs, and the table of runs says so."""
    run = uuid4()
    await rows.begin(run, recording=False)
    yield
    await rows.end(run)


async def _refuse(send: Send) -> None:
    body = msgspec.json.encode(UNAVAILABLE)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _named(scope: Scope) -> str:
    """The first thing that the path names beyond the project; empty where there is none."""
    for name, value in scope["path_params"].items():
        if name not in ("project", "token"):
            return str(value)
    return ""


def _as_of(query: bytes) -> str | None:
    asked = parse_qs(query.decode("latin-1")).get(AS_OF)
    return printable(asked[-1], _LONGEST_AS_OF) if asked else None


def _size_and_csv(headers: Any) -> tuple[int, bool]:
    """The bytes of the body, and whether it is a table."""
    size, is_csv = 0, False
    for name, value in headers:
        if name == b"content-length":
            size = int(value)
        elif name == b"content-type":
            is_csv = value.startswith(b"text/csv")
    return size, is_csv
