"""The chain, proved onward and round again: nothing is righted by facts that do not verify."""

from collections.abc import Collection
from uuid import UUID

import msgspec
from psycopg import IsolationLevel

from contracts.chain import BrokenChain, Link, follow
from services.common.log import stream_facts
from services.common.log.verify import ChainWalk, HeadMoved, HistoryBroken, check_end
from services.projector.auditor.comparing import RowKey
from services.projector.auditor.trees import NotAsSigned, TreeWalk, stray_rows
from services.projector.checkpoint import Connection


class Broken(msgspec.Struct, frozen=True):
    """What of the log does not verify, and where. position: None where the end is missing."""

    team_id: int
    position: int | None
    reason: str


class HistoryProof:
    """Two walks: one that has come to the log's end and follows it, and one that goes round again
    and takes its place when it is there.
    """

    def __init__(self) -> None:
        self._onward: _Walk | None = None
        self._again: _Walk | None = None
        self._wrong: dict[str, RowKey] = {}
        self._told: dict[int, int] = {}

    async def onward(self, conn: Connection, count: int) -> int:
        """Take so many of the entries that came since; how many there were. None are taken before
        a first round has ended. Raises HistoryBroken, HeadMoved, NotAsSigned.
        """
        return 0 if self._onward is None else await self._take(conn, self._onward, count)

    async def round(self, conn: Connection, count: int) -> tuple[int, bool]:
        """Take so many entries more of a round from the beginning; how many there were, and whether
        it has come to the log's end. Raises HistoryBroken, HeadMoved.
        """
        if self._again is None:
            self._again = _Walk()
        taken = await self._take(conn, self._again, count)
        if taken == count:
            return taken, False
        self._onward, self._again, self._told = self._again, None, {}
        return taken, True

    def start_again(self) -> None:
        """Nothing that was proved before is relied upon."""
        self._onward, self._again = None, None

    def sequences(self) -> dict[int, int]:
        """Project -> up to where its chain is proved. Asked again: of those that have moved since,
        but of all when a round has come to its end.
        """
        walk = self._onward or self._again
        links = {} if walk is None else walk.chain.links
        proved = {team_id: link.team_seq for team_id, link in links.items()}
        told, self._told = self._told, proved
        return {team: sequence for team, sequence in proved.items() if told.get(team) != sequence}

    def wrong_trees(self) -> list[RowKey]:
        """The rows of trees that were found not to be the log's, once."""
        wrong, self._wrong = list(self._wrong.values()), {}
        return wrong

    async def _take(self, conn: Connection, walk: "_Walk", count: int) -> int:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            entries = await stream_facts.entries_after(conn, walk.chain.position, count)
            for entry in entries:
                walk.chain.take(entry)
            wrong = await walk.trees.take(conn, entries) if entries else []
            if len(entries) < count:
                await _look_again(conn, walk.chain)
                await check_end(conn, walk.chain)
                if walk is self._again:
                    wrong += await stray_rows(conn)
        self._wrong |= {row.key: row for row in wrong}
        return len(entries)


class _Walk:
    def __init__(self) -> None:
        self.chain = ChainWalk()
        self.trees = TreeWalk()


async def _look_again(conn: Connection, walk: ChainWalk) -> None:
    """At entries whose erasure the walk has come by: it may have met them before that."""
    while (place := walk.unexplained()) is not None:
        entry = await stream_facts.project_entry(conn, *place)
        if entry is None or not walk.erased_since(entry) or walk.unexplained() == place:
            return


async def unproved(
    conn: Connection, streams: Collection[UUID], teams: Collection[int]
) -> Broken | None:
    """Why rows of these streams and projects can't be righted: an entry of the streams does not
    verify, or one of the projects is missing.
    """
    for entry in await stream_facts.entries_of(conn, streams):
        try:
            follow(Link(entry.team_seq - 1, entry.previous), entry)
        except BrokenChain as cause:
            return Broken(entry.team_id, entry.position, f"{cause.reason} does not follow")
    short = await stream_facts.short_project(conn, teams)
    return None if short is None else Broken(short, None, "entries are missing")


def broken(cause: HistoryBroken | HeadMoved | NotAsSigned) -> Broken:
    if isinstance(cause, NotAsSigned):
        return Broken(cause.team_id, cause.position, "another root was signed")
    if isinstance(cause, HeadMoved):
        return Broken(cause.team_id, None, str(cause))
    return Broken(cause.team_id, cause.position, f"{cause.what} does not follow")
