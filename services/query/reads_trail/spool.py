"""The way of a read to PostgreSQL: into a file before its answer leaves, then in batches.

Every answered read is there once, whoever dies when:
- before the line is written: the answer has not left, and nobody was shown anything;
- after it: the line stands in the file, and the next start of any process inserts it;
- after the INSERT: the line is inserted again by that start, and finds itself there;
- after the cut: nothing is left to do.
A power cut is another matter: the system may not have written the file's last seconds.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

from psycopg import Error

from contracts.reads import Read
from services.common.logs import logger
from services.common.tasks import background, describe, passing_over, ring_or
from services.query.reads_trail.lines import SpooledRead, spooled
from services.query.reads_trail.metrics import RECORDED_AT, SPOOL_BYTES
from services.query.reads_trail.rows import BATCH, TrailRows
from services.query.reads_trail.segments import (
    Segment,
    left_behind,
    run_of,
    unreadable,
    whole_lines,
)

log = logger("recount.reads")

GATHER_SECONDS = 0.2
SEEN_SECONDS = 10.0
AGAIN_SECONDS = 0.5
# An answer that waits for its row, or the end of the process for its last rows.
PATIENCE_SECONDS = 5.0


class TrailUnavailable(Exception):
    """The read can't be recorded, so it must not be answered."""


class Spool:
    """One process's. most_bytes: that may wait in its files.

    crash_at: told "answered", "written", "inserted" and "cut" as each is reached, for crash tests.
    """

    def __init__(
        self,
        folder: Path,
        rows: TrailRows,
        most_bytes: int,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.run = uuid4()
        self._folder = folder
        self._rows = rows
        self._most_bytes = most_bytes
        self._crash_at = crash_at
        self._taking, self._inserting = (
            Segment(folder / f"{self.run}-{place}.ndjson") for place in (1, 2)
        )
        self._turn: list[SpooledRead] = []
        self._last = self._written = self._stored = 0
        self._rung = asyncio.Event()
        self._hurry = asyncio.Event()
        self._moved = asyncio.Event()
        self._seen_at = time.monotonic()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Takes over what dead processes left behind, then inserts while the block runs."""
        await self._rows.begin(self.run, recording=True)
        async with (
            background("reads: take over", self._take_over_once()),
            background("reads: insert", self._insert_for_ever()),
        ):
            yield
        await self._close()

    @property
    def full(self) -> bool:
        return self._taking.bytes + self._inserting.bytes >= self._most_bytes

    async def record(self, team_id: int, read: Read, *, stored: bool) -> None:
        """Returns once the read is in the file. stored: and in PostgreSQL.

        Raises TrailUnavailable.
        """
        if self.full:
            raise TrailUnavailable
        self._last += 1
        n = self._last
        self._turn.append(spooled(n, team_id, read))
        if len(self._turn) == 1:
            asyncio.get_running_loop().call_soon(self._write)
        # The loop goes by the order in which it was called: whoever yields after `_write` was
        # asked for goes on after it, and before the next one. So those of a turn share one write.
        await asyncio.sleep(0)
        if self._written < n:
            raise TrailUnavailable
        RECORDED_AT[read.surface].inc()
        if stored:
            await self._until_stored(n)

    def _write(self) -> None:
        self._crash_at("answered")
        lines, self._turn = self._turn, []
        try:
            self._taking.write(lines)
        except OSError as cause:
            log.error("reads_refused", cause=describe(cause))
            return
        self._written = lines[-1].n
        self._crash_at("written")
        self._rung.set()
        if self._written - self._stored >= BATCH:
            self._hurry.set()

    async def _until_stored(self, n: int) -> None:
        self._hurry.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._stored < n:
                    self._moved.clear()
                    await self._moved.wait()
                    self._hurry.set()
        except TimeoutError as late:
            raise TrailUnavailable from late

    async def _insert_for_ever(self) -> None:
        while True:
            await ring_or(self._rung, SEEN_SECONDS)
            await ring_or(self._hurry, GATHER_SECONDS if self._rung.is_set() else 0)
            self._rung.clear()
            self._hurry.clear()
            try:
                await self._insert()
                await self._tell_seen()
            except Error as cause:
                # Refused or away, nothing is dropped: the lines wait, until the spool is full.
                self._rung.set()
                log.warning("reads_wait", bytes=self._bytes(), cause=describe(cause))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _insert(self) -> None:
        """All that is written by now. Raises psycopg's errors; then it is tried again."""
        for _ in range(2):
            if not self._inserting.bytes:
                self._taking, self._inserting = self._inserting, self._taking
            if not self._inserting.bytes:
                break
            await self._rows.insert(self.run, self._inserting.lines())
            self._crash_at("inserted")
            self._stored = max(self._stored, self._inserting.last)
            self._inserting.cut()
            self._crash_at("cut")
            self._moved.set()
        SPOOL_BYTES.set(self._bytes())

    async def _tell_seen(self) -> None:
        if (now := time.monotonic()) - self._seen_at >= SEEN_SECONDS:
            await self._rows.seen(self.run)
            self._seen_at = now

    def _bytes(self) -> int:
        return self._taking.bytes + self._inserting.bytes

    async def _take_over_once(self) -> None:
        while True:
            try:
                await self._take_over()
            except Error as cause:
                log.warning("reads_wait", bytes=self._bytes(), cause=describe(cause))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _take_over(self) -> None:
        for path in sorted(self._folder.glob("*.ndjson")):
            run = run_of(path)
            if run is None or run == self.run:
                continue
            with left_behind(path) as dead:
                if dead:
                    await self._rows.insert(run, whole_lines(path))
                    await self._rows.taken_over(run)
                    _put_away(path)
                    log.info("reads_taken_over", run=str(run))

    async def _close(self) -> None:
        """What can't be inserted any more is the next process's."""
        with passing_over("reads: close", Error, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._insert()
                await self._rows.end(self.run)
        self._taking.close()
        self._inserting.close()


def _put_away(path: Path) -> None:
    """A file whose lines are in PostgreSQL. It is kept for people if some can't be read."""
    if lost := unreadable(path):
        log.error("reads_unreadable", file=str(path), lines=lost)
        path.rename(path.with_suffix(".unreadable"))
    else:
        path.unlink()


def make_folder(path: Path) -> Path:
    """For this account alone. Raises OSError when it can't be, or is somebody else's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another account")
    return path
