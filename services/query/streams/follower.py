"""One connection's place in a project's facts, and what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Literal

import msgspec

from contracts.chain import Link
from contracts.fact_filters import EntryFilter
from services.query.streams.frames import FramedEntry, Reason

Door = Literal["facts", "audit"]
"""Where a follower has come in: each lets in so many."""


class BufferLimits(msgspec.Struct, frozen=True):
    """What may wait for one connection; one event more ends it."""

    events: int = 1_000
    byte_count: int = 8 * 1024 * 1024


class Batch(msgspec.Struct, frozen=True):
    """Entries to be sent as one.

    through: what is sent once these are: all that matches up to there.
    """

    passed: Sequence[FramedEntry]
    through: Link

    @property
    def chunk(self) -> bytes:
        """Their frames."""
        return b"".join(each.frame for each in self.passed)

    @property
    def last(self) -> int:
        """The sequence of the last of them; 0: there is none."""
        return self.passed[-1].entry.team_seq if self.passed else 0


class Follower:
    """through: all up to there was looked at, and is sent or waits.

    joined: the feed hands over what comes; else pages have to be read.
    ended: why nothing more is to be sent; None while it goes on. over: set with it.
    rung: set when there is something to do.
    """

    def __init__(
        self,
        team_id: int,
        wanted: EntryFilter,
        after: Link,
        limits: BufferLimits,
        door: Door = "facts",
    ) -> None:
        self.team_id = team_id
        self.door = door
        self.wanted = wanted
        self.through = after
        self.joined = False
        self.ended: Reason | None = None
        self.over = asyncio.Event()
        self.rung = asyncio.Event()
        self._wants_all = wanted.everything
        self._limits = limits
        self._waiting: deque[FramedEntry] = deque()
        self._bytes = 0

    def take(self, passed: FramedEntry) -> None:
        """The next entry, of this project. What is not the next one is never taken."""
        sequence, place = passed.link.team_seq, self.through.team_seq
        if self.ended is not None or sequence <= place:
            return
        if sequence != place + 1:
            # A hole: what is in it is looked for in the log.
            self.joined = False
            self.rung.set()
            return
        if self._wants_all or self.wanted.matches(passed.entry):
            if self._is_full(passed.frame):
                self.end("too_slow")
                return
            self._waiting.append(passed)
            self._bytes += len(passed.frame)
            self.rung.set()
        self.through = passed.link

    def waiting(self) -> Batch | None:
        """All that waits, and does no longer; None: nothing does."""
        if not self._waiting:
            return None
        found = Batch(tuple(self._waiting), self.through)
        self._waiting.clear()
        self._bytes = 0
        return found

    def end(self, reason: Reason) -> None:
        """The first reason counts."""
        if self.ended is None:
            self.ended = reason
            self.over.set()
            self.rung.set()

    def _is_full(self, frame: bytes) -> bool:
        return (
            len(self._waiting) >= self._limits.events
            or self._bytes + len(frame) > self._limits.byte_count
        )
