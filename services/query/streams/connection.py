"""One connection of somebody who follows, from its first byte to its last."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from contracts.chain import Entry, Link
from services.common.http.cutting import cut
from services.common.http.hang_ups import ClientHungUp
from services.common.http.read_notes import ReadNote, noted
from services.common.log.entries import project_entries
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import pass_over, ring_or, stop
from services.query.streams import metrics
from services.query.streams.feed import Feed
from services.query.streams.follower import Batch, Follower
from services.query.streams.frames import FramedEntry, Reason

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

# A key that was revoked gets nothing after a second.
_SHORT_PATIENCE_SECONDS = 0.4
_PAGE = 500
_AWAY_SECONDS = 1.0


class Times(msgspec.Struct, frozen=True):
    """Seconds: of silence before a bookmark; of a connection's life, which is up to `spread` longer
    or shorter, so that not all come back at once. patience: with a client that reads nothing, to
    tell it goodbye.
    """

    bookmark: float = 15.0
    life: float = 3600.0
    spread: float = 300.0
    patience: float = 3.0


TIMES = Times()


class Wire(Protocol):
    """What goes over a connection, as bytes. None of it is empty but where it says so."""

    media_type: str
    headers: Mapping[str, str]

    def beginning(self, at: Link) -> bytes:
        """Before the first entry; may be empty."""

    def framed(self, entry: Entry) -> FramedEntry:
        """Of an entry that was read from the log."""

    async def chunk(self, batch: Batch) -> bytes:
        """Of at least one entry."""

    def bookmark(self, at: Link, head: int) -> bytes:
        """After a silence, moves the reader on over what the filters left out."""

    def still_there(self, at: Link) -> bytes:
        """After a silence, where there is nothing new."""

    def goodbye(self, at: Link, reason: Reason) -> bytes:
        """At the end, if it still can be said; may be empty."""


class EventStream(ASGIResponse):
    """The answer to a follower. release: called when it is over, however it ends."""

    _should_set_content_length = False

    def __init__(self, connection: "Connection", release: Callable[[], None]) -> None:
        wire = connection.wire
        super().__init__(media_type=wire.media_type, headers={**HEADERS, **wire.headers})
        self._connection = connection
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.start_response(send)
            if not await self._connection.serve(receive, send, noted(scope)):
                await cut(scope)
        finally:
            self._release()


class Connection:
    """Sends what a follower is to get, until it ends."""

    def __init__(self, pool: Pool, feed: Feed, follower: Follower, wire: Wire, times: Times):
        self.wire = wire
        self._pool = pool
        self._feed = feed
        self._follower = follower
        self._times = times
        # All that matches up to there is sent; the id that the client has.
        self._sent = follower.through
        self._told = follower.through.team_seq
        self._loop = asyncio.get_running_loop()
        self._wrote_at = self._loop.time()
        self._is_silent = False
        self._note = ReadNote()
        self._timer = self._loop.call_later(times.bookmark, self._remind)

    async def serve(self, receive: Receive, send: Send, note: ReadNote) -> bool:
        """Until goodbye is said or the client is gone; False: it does not listen.

        note: told what has been sent, for the trail of reads.
        """
        self._note = note
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_gone(receive))
        ending = asyncio.create_task(self._ended())
        try:
            await asyncio.wait({writing, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done() and not leaving.done():
                revoked = self._follower.ended == "key_revoked"
                patience = _SHORT_PATIENCE_SECONDS if revoked else self._times.patience
                await asyncio.wait(
                    {writing, leaving}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
            if writing.done():
                writing.result()
            return writing.done() or leaving.done()
        finally:
            self._timer.cancel()
            for task in (writing, leaving, ending):
                await stop(task)

    async def _ended(self) -> None:
        """Returns once nothing more is to be sent, at the end of its life at the latest."""
        times = self._times
        life = times.life + random.uniform(-times.spread, times.spread)  # noqa: S311 - no secret
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(life):
                await self._follower.over.wait()
        self._follower.end("hour")

    async def _write(self, send: Send) -> None:
        await self._put(send, self.wire.beginning(self._sent))
        await self._feed.reading()
        follower = self._follower
        while follower.ended is None:
            batch = follower.waiting()
            if batch is None and not follower.joined:
                batch = await self._next_page()
            if batch is not None:
                await self._put_batch(send, batch)
            elif self._is_silent:
                await self._bookmark(send)
            elif follower.joined:
                # Nothing came since it was looked for: between the two there is no other's turn.
                self._sent = follower.through
                follower.rung.clear()
                await follower.rung.wait()
        metrics.GOODBYES.labels(follower.ended).inc()
        await self._put(send, self.wire.goodbye(self._sent, follower.ended))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next_page(self) -> Batch | None:
        """What the feed has kept, else a page of the log; the follower's place moves on. None:
        there was nothing.
        """
        follower = self._follower
        found = self._feed.next_frames(follower)
        if found is not None:
            return found
        try:
            page = await project_entries(
                self._pool, follower.team_id, follower.through.team_seq, _PAGE
            )
        except CONNECTION_LOST as cause:
            pass_over("streams: page", cause)
            await ring_or(follower.over, _AWAY_SECONDS)
            return None
        if not page:
            self._feed.join(follower)
            return None
        follower.through = Link(page[-1].team_seq, page[-1].hash)
        framed = self.wire.framed
        return Batch(
            [framed(entry) for entry in page if follower.wanted.matches(entry)], follower.through
        )

    def _remind(self) -> None:
        """Rings when it was silent for long enough: one timer, that no event has to move."""
        silent = self._loop.time() - self._wrote_at
        self._is_silent = silent >= self._times.bookmark
        if self._is_silent:
            silent = 0
            self._follower.rung.set()
        self._timer = self._loop.call_later(self._times.bookmark - silent, self._remind)

    async def _bookmark(self, send: Send) -> None:
        """Where it would move nothing, a comment says that the connection lives."""
        self._sent = at = self._follower.through
        head = max(self._feed.last(self._follower.team_id), at.team_seq)
        moved = at.team_seq > self._told
        await self._put(send, self.wire.bookmark(at, head) if moved else self.wire.still_there(at))
        self._told = at.team_seq

    async def _put_batch(self, send: Send, batch: Batch) -> None:
        if batch.passed:
            self._note.covers(self._sent.team_seq + 1, batch.through.team_seq)
            await self._put(send, await self.wire.chunk(batch))
            metrics.EVENTS.inc(len(batch.passed))
            self._told = batch.last
        self._sent = batch.through

    async def _put(self, send: Send, chunk: bytes) -> None:
        if not chunk:
            return
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._wrote_at = self._loop.time()
        self._is_silent = False


async def _gone(receive: Receive) -> None:
    with contextlib.suppress(ClientHungUp):
        while (await receive())["type"] != "http.disconnect":
            pass
