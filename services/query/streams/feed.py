"""One reader of the log for all who follow it in this process: every frame is made once.

A follower catches up by pages of its own, as fast as its client reads, and then joins the feed at
the exact sequence. From there on the feed hands it what comes; nothing is ever skipped.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import msgspec

from contracts.chain import PAYLOAD_ERASED, Entry
from contracts.cloud_events import event_source
from services.common.log.entries import entries, head
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import every, ring_or
from services.query.streams.follower import Batch, Door, Follower
from services.query.streams.frames import FramedEntry, framed

# A lost ring stays unnoticed for so long.
POLL_SECONDS = 1.0
KEPT_EVENTS = 10_000
KEPT_BYTES = 32 * 1024 * 1024
_STEP = 500
# For each follower, after facts were passed on, and longer when they came in a stream: those that
# come meanwhile go out together, since a write costs a connection as much for several as for one.
# A fact that comes alone never waits.
_REST_SECONDS = 0.0001
_MOST_RESTS = 3
_LONGEST_REST_SECONDS = 0.03


class _Followed(msgspec.Struct):
    """A project that somebody follows. through: its last entry that the feed has passed. All that
    it passes are kept, but for the oldest.
    """

    followers: set[Follower] = msgspec.field(default_factory=set)
    watchers: set[asyncio.Event] = msgspec.field(default_factory=set)
    through: int = 0

    @property
    def deserted(self) -> bool:
        return not self.followers and not self.watchers


class Feed:
    """It reads while anybody follows, from the log's head at that moment.

    rung: by every append.
    """

    def __init__(
        self,
        pool: Pool,
        installation: UUID,
        rung: asyncio.Event,
        *,
        kept_events: int = KEPT_EVENTS,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self.closed = False
        self._pool = pool
        self.installation = installation
        self._rung = rung
        self._most_events = kept_events
        self._most_bytes = kept_bytes
        self._projects: dict[int, _Followed] = {}
        self._kept: deque[FramedEntry] = deque()
        self._kept_bytes = 0
        self._position: int | None = None
        self._reading = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. Waits for PostgreSQL when it is away."""
        await every(POLL_SECONDS, self._read_on, away=CONNECTION_LOST, rung=self._rung)

    async def reading(self) -> None:
        """Returns once whatever is appended from now on will be passed on to those who follow."""
        await self._reading.wait()

    async def reading_within(self, seconds: float) -> None:
        """The same, but for so long at the most."""
        await ring_or(self._reading, seconds)

    @contextlib.contextmanager
    def following(self, follower: Follower) -> Iterator[None]:
        """While the block runs, the feed keeps what comes for this follower."""
        with self._followed(follower.team_id) as project:
            project.followers.add(follower)
            try:
                yield
            finally:
                project.followers.discard(follower)

    @contextlib.contextmanager
    def watching(self, team_id: int) -> Iterator[asyncio.Event]:
        """An event that every new fact of the project sets. Clear it before looking."""
        moved = asyncio.Event()
        with self._followed(team_id) as project:
            project.watchers.add(moved)
            try:
                yield moved
            finally:
                project.watchers.discard(moved)

    def next_frames(self, follower: Follower) -> Batch | None:
        """What is kept beyond the follower's place, which moves on. With the last of it the
        follower joins: what comes after is handed over.

        None: the next one is not kept, a page has to be read first.
        """
        project = self._projects[follower.team_id]
        place = follower.through.team_seq
        beyond = (
            kept
            for kept in self._kept
            if kept.entry.team_id == follower.team_id and kept.entry.team_seq > place
        )
        found = list(islice(beyond, _STEP))
        if not found or found[0].entry.team_seq != place + 1:
            return None
        follower.through = found[-1].link
        follower.joined = follower.through.team_seq == project.through
        matching = [kept for kept in found if follower.wanted.matches(kept.entry)]
        return Batch(matching, follower.through)

    def join(self, follower: Follower) -> None:
        """Of a follower to whom the log had no more to show: unless something came by since then,
        it has all there is.
        """
        project = self._projects[follower.team_id]
        follower.joined = project.through <= follower.through.team_seq

    def last(self, team_id: int) -> int:
        """The last sequence of the project that has come by; 0: none since it is followed."""
        project = self._projects.get(team_id)
        return 0 if project is None else project.through

    @property
    def followers(self) -> list[Follower]:
        return [one for project in self._projects.values() for one in project.followers]

    def count(self, team_id: int, door: Door) -> int:
        """Of the project's followers who have come in there."""
        project = self._projects.get(team_id)
        return 0 if project is None else sum(one.door == door for one in project.followers)

    def close(self) -> None:
        """The process ends: whoever follows goes on elsewhere."""
        self.closed = True
        for project in self._projects.values():
            for follower in project.followers:
                follower.end("restart")
            for moved in project.watchers:
                moved.set()

    @contextlib.contextmanager
    def _followed(self, team_id: int) -> Iterator[_Followed]:
        project = self._projects.setdefault(team_id, _Followed())
        # What the feed passes before it notices is in the pages that are read after `reading`.
        self._rung.set()
        try:
            yield project
        finally:
            if project.deserted and self._projects.get(team_id) is project:
                self._desert(team_id)

    def _desert(self, team_id: int) -> None:
        """What comes from now on is not kept: neither may be what came before it."""
        del self._projects[team_id]
        self._forget(team_id)
        if not self._projects:
            self._position = None
            self._reading.clear()

    def _forget(self, team_id: int) -> None:
        staying = [kept for kept in self._kept if kept.entry.team_id != team_id]
        self._kept = deque(staying)
        self._kept_bytes = sum(len(kept.frame) for kept in staying)

    async def _read_on(self) -> None:
        if not self._projects:
            return
        if self._position is None:
            position = await head(self._pool)
            if not self._projects:
                return
            self._position = position
            self._reading.set()
        passed = 0
        more = True
        while more:
            found = await entries(self._pool, self._position, _STEP)
            if self._position is None:
                return
            for entry in found:
                self._pass(entry)
                self._position = entry.position
            passed += len(found)
            more = len(found) == _STEP
        if passed:
            rest = _REST_SECONDS * len(self.followers) * min(passed, _MOST_RESTS)
            await asyncio.sleep(min(rest, _LONGEST_REST_SECONDS))

    def _pass(self, entry: Entry) -> None:
        project = self._projects.get(entry.team_id)
        if project is None:
            return
        project.through = entry.team_seq
        for moved in project.watchers:
            moved.set()
        if entry.name == PAYLOAD_ERASED:
            # What was erased may be among the kept: from now on it is read from the log.
            self._forget(entry.team_id)
        passed = framed(entry, event_source(self.installation, entry.team_id))
        self._keep(passed)
        for follower in project.followers:
            if follower.joined:
                follower.take(passed)

    def _keep(self, kept: FramedEntry) -> None:
        self._kept.append(kept)
        self._kept_bytes += len(kept.frame)
        while len(self._kept) > self._most_events or self._kept_bytes > self._most_bytes:
            self._kept_bytes -= len(self._kept.popleft().frame)
