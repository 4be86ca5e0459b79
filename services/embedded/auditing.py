"""A project's chain of facts for `recount audit`: from a server over HTTP, or from a database."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import httpx
import msgspec

from contracts.cursors import HASH_DIGITS, link_text, parse_cursor
from contracts.headers import FACTS_HEAD, FACTS_THROUGH, READS_THROUGH
from contracts.notes import parse_checkpoint, parse_note
from contracts.ocsf.base import Names
from contracts.reads import StoredRead
from services.common.accounts.accounts import Accounts
from services.common.log.cursors import (
    CursorAhead,
    CursorElsewhere,
    check_cursor,
    project_head,
)
from services.common.postgres import database
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.postgres.installation import installation
from services.common.proofs.checkpoints import newest
from services.embedded import datadir
from services.embedded.following import refusal
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings
from services.query.audit import forms, read_forms
from services.query.audit.filters import AuditFilter
from services.query.audit.names import AuditNames
from services.query.reads.read_trail import ReadFilter, ReadTrailReads
from services.query.streams.pull import MOST_EVENTS, PullRequest, pull

Form = Literal["ndjson", "ocsf", "csv"]
Trail = Literal["facts", "reads"]

# A server sends an empty line at least every quarter of a minute.
_SILENCE_SECONDS = 60.0
_AGAIN_SECONDS = 2.0
_POLL_SECONDS = 1.0
_MOST_TRIES = 5
_LONGEST_REST_SECONDS = 60.0
_NOT_NOW = (429, 502, 503, 504)


class Page(msgspec.Struct, frozen=True):
    """Whole lines, or rows behind their header. through: the cursor behind them; of reads, a
    number. head: the last sequence there was; None: it is not told. at_end: nothing followed.
    """

    body: bytes
    through: str
    head: int | None
    at_end: bool

    @property
    def sequence(self) -> int:
        return parse_cursor(self.through).sequence


class BrokenOff(Exception):
    """The server or the database went away, or does not answer as it should."""


class Source(Protocol):
    def pages(self, trail: Trail, after: str, form: Form) -> AsyncGenerator[Page, None]:
        """Up to the head; at least one. Raises BrokenOff; CannotStart when it is refused."""

    def follow(self, after: str, form: Form) -> AsyncGenerator[Page, None]:
        """What comes, for ever, through lost connections. Raises CannotStart when it is refused."""

    async def checkpoint(self) -> int | None:
        """The size of the newest tree that was signed; None: none was, or it can't be told."""


class ServerSource:
    """A server over HTTP, with an administrator's key."""

    def __init__(self, url: str, key: str, project: str) -> None:
        self._path = f"{url.rstrip('/')}/api/projects/{project}/audit/"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def pages(self, trail: Trail, after: str, form: Form) -> AsyncGenerator[Page, None]:
        async with httpx.AsyncClient(timeout=_SILENCE_SECONDS) as client:
            while True:
                page = await self._page(client, trail, after, form)
                yield page
                if page.at_end:
                    return
                after = page.through

    async def checkpoint(self) -> int | None:
        async with httpx.AsyncClient(timeout=_SILENCE_SECONDS) as client:
            try:
                answer = await client.get(f"{self._path}log/checkpoint", headers=self._headers)
                return parse_checkpoint(parse_note(answer.text).text).size
            except (httpx.TransportError, ValueError):
                return None

    async def _page(self, client: httpx.AsyncClient, trail: Trail, after: str, form: Form) -> Page:
        asked = {"after": after, "format": form, "limit": str(MOST_EVENTS)}
        url = self._path if trail == "facts" else f"{self._path}reads/"
        said = ""
        for _ in range(_MOST_TRIES):
            try:
                answer = await client.get(url, params=asked, headers=self._headers)
            except httpx.TransportError as cause:
                raise BrokenOff(f"{url}: {type(cause).__name__} {cause}") from cause
            if answer.status_code == 200:
                return _answered(answer, trail, after)
            if answer.status_code not in _NOT_NOW:
                raise CannotStart(refusal(answer))
            said = refusal(answer)
            rest = answer.headers.get("Retry-After", "")
            seconds = float(rest) if rest.isdecimal() else _AGAIN_SECONDS
            await asyncio.sleep(min(seconds, _LONGEST_REST_SECONDS))
        raise BrokenOff(said)

    async def follow(self, after: str, form: Form) -> AsyncGenerator[Page, None]:
        timeout = httpx.Timeout(10.0, read=_SILENCE_SECONDS)
        async with httpx.AsyncClient(timeout=timeout) as client:
            while True:
                with contextlib.suppress(httpx.TransportError, _TryAgain):
                    async for page in self._lines(client, after, form):
                        after = page.through
                        yield page
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _lines(
        self, client: httpx.AsyncClient, after: str, form: Form
    ) -> AsyncGenerator[Page, None]:
        """Of one connection: the whole lines of what has come."""
        asked = {"after": after, "format": form, "follow": "true"}
        url = self._path
        async with client.stream("GET", url, params=asked, headers=self._headers) as answer:
            if answer.status_code in _NOT_NOW:
                raise _TryAgain
            if answer.status_code != 200:
                await answer.aread()
                raise CannotStart(refusal(answer))
            rest = b""
            async for chunk in answer.aiter_bytes():
                whole, _, rest = (rest + chunk).rpartition(b"\n")
                lines = [line for line in whole.split(b"\n") if line]
                if lines:
                    cursor = _cursor_of(lines[-1])
                    body = b"".join(line + b"\n" for line in lines)
                    yield Page(body, cursor, None, at_end=False)


def _answered(answer: httpx.Response, trail: Trail, after: str) -> Page:
    if trail == "reads":
        through = answer.headers[READS_THROUGH]
        return Page(answer.content, through, None, at_end=through == after)
    through, head = answer.headers[FACTS_THROUGH], answer.headers[FACTS_HEAD]
    return Page(answer.content, through, parse_cursor(head).sequence, at_end=through == head)


class _TryAgain(Exception):
    """The server is not able now."""


class _Unmapped(msgspec.Struct, frozen=True):
    hash: str


class _Metadata(msgspec.Struct, frozen=True):
    sequence: int


class _Line(msgspec.Struct, frozen=True):
    """What both kinds of line tell of their place."""

    sequence: int = 0
    hash: str = ""
    metadata: _Metadata | None = None
    unmapped: _Unmapped | None = None


_line = msgspec.json.Decoder(_Line)


def _cursor_of(line: bytes) -> str:
    told = _line.decode(line)
    sequence = told.sequence if told.metadata is None else told.metadata.sequence
    hash_ = told.hash if told.unmapped is None else told.unmapped.hash
    return f"{sequence}-{hash_[:HASH_DIGITS]}"


class FolderSource:
    """A database, whoever else uses it. project: its number."""

    def __init__(self, find: Callable[[], str], project: int) -> None:
        """find: gives the database's URL, each time it is connected to; raises CannotStart."""
        self._find = find
        self._project = project

    async def pages(self, trail: Trail, after: str, form: Form) -> AsyncGenerator[Page, None]:
        try:
            async with _reading(self._find(), self._project) as reader:
                read = reader.facts if trail == "facts" else reader.reads
                while True:
                    page = await read(after, form)
                    yield page
                    if page.at_end:
                        return
                    after = page.through
        except CONNECTION_LOST as cause:
            raise BrokenOff(str(cause)) from cause

    async def follow(self, after: str, form: Form) -> AsyncGenerator[Page, None]:
        url = self._find()
        while True:
            with contextlib.suppress(*CONNECTION_LOST):
                async with _reading(url, self._project) as reader:
                    while True:
                        page = await reader.facts(after, form)
                        after = page.through
                        if page.body:
                            yield page
                        else:
                            await asyncio.sleep(_POLL_SECONDS)
            await asyncio.sleep(_AGAIN_SECONDS)
            # Its server may be another one by now, or none for a while.
            with contextlib.suppress(CannotStart):
                url = self._find()

    async def checkpoint(self) -> int | None:
        async with database.pool(self._find(), size=1) as pool:
            signed = await newest(pool, self._project)
        return None if signed is None else signed.size


class _Reader:
    def __init__(self, pool: Pool, names: AuditNames, project: int) -> None:
        self._pool = pool
        self._names = names
        self._trail = ReadTrailReads(pool)
        self._project = project
        self._asked = PullRequest(
            project,
            AuditFilter(),
            MOST_EVENTS,
            form=lambda entry: entry,
            size=lambda entry: len(entry.event),
        )

    async def facts(self, after: str, form: Form) -> Page:
        try:
            link = await check_cursor(self._pool, self._project, after)
        except (CursorAhead, CursorElsewhere) as cause:
            raise CannotStart(f"The cursor {after} does not fit this log: {cause}.") from cause
        found = await pull(self._pool, self._asked, link)
        head = await project_head(self._pool, self._project)
        names = await self._names.of(self._project, found.events)
        form_of = forms.csv if form == "csv" else forms.LINES[form]
        body = form_of(found.events, names)
        at_end = found.through.team_seq >= head.team_seq
        return Page(body, link_text(found.through), head.team_seq, at_end=at_end)

    async def reads(self, after: str, form: Form) -> Page:
        number = parse_cursor(after).sequence
        found = await self._trail.page(self._project, ReadFilter(), number, MOST_EVENTS)
        names = await self._names.of_reads(self._project, found.reads)
        body = _READ_FORMS[form](found.reads, names)
        return Page(body, str(found.through), None, at_end=found.through == number)


_READ_FORMS: Mapping[Form, Callable[[Sequence[StoredRead], Names], bytes]] = {
    "ndjson": read_forms.ndjson,
    "ocsf": read_forms.ocsf,
    "csv": read_forms.csv,
}


@contextlib.asynccontextmanager
async def _reading(url: str, project: int) -> AsyncIterator[_Reader]:
    async with database.pool(url, size=2) as pool:
        accounts = Accounts(pool, url)
        if await accounts.project(project) is None:
            raise CannotStart(f"There is no project {project}.")
        yield _Reader(pool, AuditNames(pool, accounts, await installation(pool)), project)


def running_database(data: Path, settings: EmbeddedSettings) -> str:
    """The configured one, or that of the server that runs on the data folder. Raises CannotStart
    where none does.
    """
    if settings.postgres_url is not None:
        return settings.postgres_url
    running = datadir.find(data)
    if running is None:
        raise CannotStart(f"Nothing serves {data}: start `recount serve`, or name a --url.")
    return running.postgres_url
