"""The order of the log and of its chains, which every entry has to follow; and what breaks it.

Position, version and the project's own number rise by one, every payload is the one that was
committed to or its erasure is told, every hash follows the one before, and the heads are where the
entries end. Times rise along each chain, and along the whole log but for the entries that were
written in another one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import BaseRowFactory, TupleRow, args_row

from contracts.chain import BEGINNING, BrokenChain, Entry, Erasures, Link, follow
from contracts.json import is_null
from services.common.log import reading
from services.common.log.judging import DAWN

T = TypeVar("T")

What = Literal["position", "version", "at", "payload", "team_seq", "commitment", "hash", "erasure"]


Code = Literal[
    "missing", "reordered", "back_dated", "altered", "unexplained_erasure", "forked", "forged"
]

_CODES: Mapping[What, Code] = {
    "position": "missing",
    "team_seq": "reordered",
    "version": "reordered",
    "at": "back_dated",
    "payload": "altered",
    "commitment": "altered",
    "hash": "altered",
    "erasure": "unexplained_erasure",
}


class VerifyProgress(Struct, frozen=True):
    """checked, total: numbers of entries."""

    checked: int
    total: int


class Verification(Struct, frozen=True):
    """The whole log holds. links: project -> the end of its chain: keep it somewhere else, and
    tomorrow's log can be held against it. roots: (project, size) -> of its tree, those that were
    asked for among them.
    """

    entries: int
    links: dict[int, Link]
    roots: dict[tuple[int, int], bytes] = {}


class HistoryBroken(Exception):
    """The first entry that is missing or not what was written.

    sequence: in the project; name: the stored name; None where nothing is there.
    """

    def __init__(
        self,
        position: int,
        team_id: int,
        what: What,
        *,
        code: Code | None = None,
        sequence: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(f"position {position} (project {team_id}): {what} does not follow")
        self.position = position
        self.team_id = team_id
        self.what = what
        self.code: Code = _CODES[what] if code is None else code
        self.sequence = sequence
        self.name = name


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
        is_short = recorded is not None and recorded.team_seq > found.team_seq
        self.code: Code = "missing" if is_short else "forked"
        self.sequence = found.team_seq + is_short


class ChainWalk:
    """A walk through the log, and the chains as far as it has come."""

    def __init__(self) -> None:
        self.position = 0
        self.links: dict[int, Link] = {}
        self._at: datetime = DAWN
        self._times: dict[int, datetime] = {}
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
        is_ours = entry.origin_position is None
        before = self._times.get(entry.team_id, DAWN)
        if entry.at <= (max(self._at, before) if is_ours else before):
            raise HistoryBroken(entry.position, entry.team_id, "at")
        if is_ours:
            self._at = entry.at
        self.position, self._times[entry.team_id] = entry.position, entry.at
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


async def check_end(conn: AsyncConnection[TupleRow], walk: ChainWalk) -> None:
    """For a walk that has come to the log's end, in one transaction with its last entries.

    Raises HistoryBroken for an erasure that is not told, or told and not done; HeadMoved.
    """
    if (unexplained := walk.unexplained()) is not None:
        team_id, sequence = unexplained
        raise HistoryBroken(await _position(conn, team_id, sequence), team_id, "erasure")
    await check_heads(conn, walk.links)


async def check_heads(conn: AsyncConnection[TupleRow], links: dict[int, Link]) -> None:
    """Whether these are the ends of all chains. Raises HeadMoved."""
    _compare(links, await _heads(conn))


def _compare(found: dict[int, Link], heads: dict[int, Link]) -> None:
    for team_id in sorted(found.keys() | heads.keys()):
        if found.get(team_id) != heads.get(team_id):
            raise HeadMoved(team_id, heads.get(team_id), found.get(team_id, BEGINNING))


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
