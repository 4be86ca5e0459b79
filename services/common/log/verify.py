"""Proof that the log is whole and unchanged, entry by entry, in its own order.

Position, version and the project's own number rise by one, times rise, every payload is the one
that was committed to or its erasure is told, every hash follows the one before, and the heads are
where the entries end.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import BaseRowFactory, TupleRow, args_row, scalar_row

from contracts.chain import BEGINNING, BrokenChain, Entry, Erasures, Link, follow
from contracts.json import is_null
from services.common.log import reading
from services.common.log.judging import DAWN

T = TypeVar("T")

STEP = 2000

What = Literal["position", "version", "at", "payload", "team_seq", "commitment", "hash", "erasure"]


class VerifyProgress(Struct, frozen=True):
    """checked, total: numbers of entries."""

    checked: int
    total: int


class Verification(Struct, frozen=True):
    """The whole log holds. links: project -> the end of its chain: keep it somewhere else, and
    tomorrow's log can be held against it.
    """

    entries: int
    links: dict[int, Link]


class HistoryBroken(Exception):
    """The first entry that is missing or not what was written."""

    def __init__(self, position: int, team_id: int, what: What) -> None:
        super().__init__(f"position {position} (project {team_id}): {what} does not follow")
        self.position = position
        self.team_id = team_id
        self.what = what


class HeadMoved(Exception):
    """Every entry holds, but the project's head says that others follow or that they are newer.

    recorded: None where the project has no head; found: where its entries end.
    """

    def __init__(self, team_id: int, recorded: Link | None, found: Link) -> None:
        last = "nothing" if recorded is None else f"entry {recorded.team_seq}"
        super().__init__(
            f"project {team_id}: its head is {last}, its entries end at {found.team_seq}"
        )
        self.team_id = team_id
        self.recorded = recorded
        self.found = found


class ChainWalk:
    """A walk through the log, and the chains as far as it has come."""

    def __init__(self) -> None:
        self.position = 0
        self.links: dict[int, Link] = {}
        self._at: datetime = DAWN
        self._versions: dict[UUID, int] = {}
        self._erasures: dict[int, Erasures] = {}

    def take(self, entry: Entry) -> None:
        """Raises HistoryBroken when `entry` is not the one that follows."""
        if entry.position != self.position + 1:
            raise HistoryBroken(self.position + 1, entry.team_id, "position")
        if is_null(entry.event):
            raise HistoryBroken(entry.position, entry.team_id, "payload")
        try:
            link = follow(self.links.get(entry.team_id, BEGINNING), entry)
        except BrokenChain as cause:
            raise HistoryBroken(entry.position, entry.team_id, cause.reason) from cause
        version = self._versions.get(entry.stream_id, 0) + 1
        if entry.version != version:
            raise HistoryBroken(entry.position, entry.team_id, "version")
        if entry.at <= self._at:
            raise HistoryBroken(entry.position, entry.team_id, "at")
        self.position, self._at = entry.position, entry.at
        self.links[entry.team_id], self._versions[entry.stream_id] = link, version
        self._erasures.setdefault(entry.team_id, Erasures()).take(entry)

    def erased_since(self, entry: Entry) -> bool:
        """Whether an entry that was taken before is erased by now, and else what it was."""
        try:
            follow(Link(entry.team_seq - 1, entry.previous), entry)
        except BrokenChain:
            return False
        self._erasures[entry.team_id].take(entry)
        return not entry.salt

    def unexplained(self) -> tuple[int, int] | None:
        """Project and sequence of the first entry that was erased and not told, or told and not
        erased.
        """
        for team_id, erasures in sorted(self._erasures.items()):
            sequence = erasures.unexplained()
            if sequence is not None:
                return team_id, sequence
        return None


async def verify(url: str) -> AsyncIterator[VerifyProgress | Verification]:
    """Progress every few thousand entries, then Verified.

    Beside a running server, too: it sees the log as it was at the start. Raises HistoryBroken at
    the first entry that does not hold, HeadMoved after the last one.
    """
    async with await AsyncConnection.connect(url, options="-c timezone=UTC") as conn:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await conn.set_read_only(True)
        (total,) = await _select(conn, scalar_row, "SELECT count(*) FROM log")
        walk = ChainWalk()
        async for entry in _entries(conn):
            walk.take(entry)
            if walk.position % STEP == 0:
                yield VerifyProgress(walk.position, total)
        await check_end(conn, walk)
        yield VerifyProgress(walk.position, total)
        yield Verification(walk.position, walk.links)


async def check_end(conn: AsyncConnection[TupleRow], walk: ChainWalk) -> None:
    """For a walk that has come to the log's end, in one transaction with its last entries.

    Raises HistoryBroken for an erasure that is not told, or told and not done; HeadMoved.
    """
    if (unexplained := walk.unexplained()) is not None:
        team_id, sequence = unexplained
        raise HistoryBroken(await _position(conn, team_id, sequence), team_id, "erasure")
    _compare(walk.links, await _heads(conn))


def _compare(found: dict[int, Link], heads: dict[int, Link]) -> None:
    for team_id in sorted(found.keys() | heads.keys()):
        if found.get(team_id) != heads.get(team_id):
            raise HeadMoved(team_id, heads.get(team_id), found.get(team_id, BEGINNING))


async def _entries(conn: AsyncConnection[TupleRow]) -> AsyncIterator[Entry]:
    async with conn.cursor(name="entries", row_factory=args_row(reading.entry)) as cursor:
        cursor.itersize = STEP
        await cursor.execute(reading.ALL_ENTRIES, binary=True)
        async for entry in cursor:
            yield entry


async def _position(conn: AsyncConnection[TupleRow], team_id: int, sequence: int) -> int:
    found = await conn.execute(reading.POSITION, (team_id, sequence))
    (position,) = await found.fetchone() or (0,)
    return int(position)


async def _heads(conn: AsyncConnection[TupleRow]) -> dict[int, Link]:
    rows = await _select(conn, args_row(_head), reading.LINKS)
    return dict(rows)


def _head(team_id: int, seq: int, hash_: bytes) -> tuple[int, Link]:
    return team_id, Link(seq, hash_)


async def _select(
    conn: AsyncConnection[TupleRow], rows: BaseRowFactory[T], statement: str
) -> list[T]:
    async with conn.cursor(binary=True, row_factory=rows) as cursor:
        await cursor.execute(statement)
        return await cursor.fetchall()
