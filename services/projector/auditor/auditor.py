"""The rounds of the auditor: the chain onward, every stream, every row, for ever at one pace."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, IsolationLevel

from services.common.log.store import EventStore, LogUnavailable
from services.common.log.stream_facts import KnownStream, streams_after
from services.common.log.verify import HeadMoved, HistoryBroken
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST
from services.common.postgres.migrate import migrations
from services.common.tasks import every
from services.projector import batch
from services.projector.auditor import metrics, state
from services.projector.auditor.accounts import find_untold
from services.projector.auditor.comparing import RowKey, of_streams
from services.projector.auditor.history import Broken, HistoryProof, broken
from services.projector.auditor.newest import NewestPositions
from services.projector.auditor.reads import ReadProofs
from services.projector.auditor.shadow import Shadow
from services.projector.auditor.strays import StrayRows
from services.projector.auditor.streams import StreamProofs, healed
from services.projector.auditor.trees import NotAsSigned
from services.projector.batch import CrashAt
from services.projector.checkpoint import Connection
from services.projector.projection import Projection
from services.projector.rebuild import RebuildUnderWay, rebuild

log = logger("recount.auditor")

AWAY = (LogUnavailable, *CONNECTION_LOST)

LOCK = 7_210_338
LOOK_SECONDS = 2.0
# A small log is not gone round without a pause.
ROUND_SECONDS = 10.0
# Facts of one transaction: a group of short streams, or one long one.
GROUP = 200
MOST_STREAMS = 100
# Looking at a row costs so much less than folding a fact.
ROWS_PER_FACT = 20

NEWEST = max(migration.number for migration in migrations())
_TABLES_OF: LiteralString = "SELECT max(number) FROM schema_migrations"


class Pace:
    """So many facts a second over all that is done; 0: as fast as it goes."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._due = time.monotonic()

    async def __call__(self, facts: float) -> None:
        if not self._per_second:
            await asyncio.sleep(0)
            return
        now = time.monotonic()
        self._due = max(self._due, now) + facts / self._per_second
        await asyncio.sleep(self._due - now)


class Auditor:
    """One process's; those of others wait for its lock.

    projections: those whose rows no stream explains are the trees over the chains.
    crash_at: told "found" when rows were found to differ, "held", "righted" and "healed" as they
    are righted, for crash tests.
    """

    def __init__(
        self,
        url: str,
        projections: Sequence[Projection[Any]],
        *,
        per_second: float,
        crash_at: CrashAt = batch.no_crash,
    ) -> None:
        self._url = url
        self._projections = [each for each in projections if any(map(of_streams, each.tables))]
        self._trees = [each for each in projections if each not in self._projections]
        self._per_second = per_second
        self._crash_at = crash_at

    async def run(self) -> None:
        """Until cancelled. Waits for its turn, and for whatever is away."""
        await every(LOOK_SECONDS, self._take_turn, away=AWAY)

    async def _take_turn(self) -> None:
        async with self._turn() as rounds:
            if rounds is None:
                return
            await state.set_pace(rounds.conn, round(self._per_second))
            while await rounds.step():
                pass

    async def round(self) -> None:
        """One of everything, from where it is, as soon as it is our turn."""
        while True:
            async with self._turn() as rounds:
                if rounds is not None:
                    await rounds.whole()
                    return
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator["Rounds | None"]:
        """The lock is the session's: it goes with a process that dies."""
        async with await AsyncConnection.connect(
            self._url, autocommit=True, options="-c timezone=UTC"
        ) as conn:
            cursor = await conn.execute("SELECT pg_try_advisory_lock(%s, 0)", (LOCK,))
            if await cursor.fetchone() != (True,) or not await _are_ours(conn):
                yield None
                return
            shadow = await Shadow.open(conn, self._projections)
            if (await state.state(conn)).unhealed:
                # Whoever found them has died before they were righted.
                await state.start_over(conn)
            yield Rounds(self._url, shadow, self._trees, Pace(self._per_second), self._crash_at)
            # The server hears late that a connection was closed, and the next one may be here.
            await conn.execute("SELECT pg_advisory_unlock(%s, 0)", (LOCK,))


class Rounds:
    """What one turn does, step by step, all over one connection."""

    def __init__(
        self,
        url: str,
        shadow: Shadow,
        trees: Sequence[Projection[Any]],
        pace: Pace,
        crash_at: CrashAt,
    ) -> None:
        self._url = url
        self._trees = trees
        self.conn: Connection = shadow.conn
        self._shadow = shadow
        self._pace = pace
        self._crash_at = crash_at
        self._history = HistoryProof()
        self._streams = StreamProofs(shadow, crash_at)
        self._strays = StrayRows(shadow)
        self._newest = NewestPositions(shadow)
        self._reads = ReadProofs()
        # When the next rounds of the chain and of the rows may begin.
        self._chain_at = self._rows_at = self._reads_at = 0.0

    async def step(self) -> bool:
        """A little of each, then a pause. False: another version has made the tables other ones."""
        if not await _are_ours(self.conn):
            return False
        taken = await self._prove_history()
        if not await self._is_broken() and time.monotonic() >= self._rows_at:
            if await self._prove_rows():
                self._rows_at = time.monotonic() + ROUND_SECONDS
        elif not taken:
            await asyncio.sleep(1)
        if time.monotonic() >= self._reads_at:
            await self._prove_reads()
        return True

    async def whole(self) -> None:
        """A round of the chain, then one of the rows."""
        self._chain_at = 0.0
        while time.monotonic() >= self._chain_at:
            await self._prove_history()
        while await self._prove_reads():
            pass
        while not await self._is_broken():
            if await self._prove_rows():
                return

    async def _is_broken(self) -> bool:
        return (await state.state(self.conn)).broken is not None

    async def _prove_history(self) -> int:
        """What came since, and some of a round from the beginning; how many entries."""
        try:
            is_whole = False
            taken = await self._history.onward(self.conn, GROUP)
            if time.monotonic() >= self._chain_at:
                again, is_whole = await self._history.round(self.conn, GROUP)
                taken += again
                if is_whole:
                    self._chain_at = time.monotonic() + ROUND_SECONDS
                    await state.set_broken(self.conn, None)
        except (HistoryBroken, HeadMoved, NotAsSigned) as cause:
            self._history.start_again()
            self._chain_at = time.monotonic() + ROUND_SECONDS
            await self._broken(broken(cause))
            return 0
        if is_whole and (wrong := self._history.wrong_trees()):
            await self._right_trees(wrong)
        if taken or is_whole:
            await state.proved_history(self.conn, self._history.sequences())
        await self._pace(taken)
        return taken

    async def _right_trees(self, wrong: Sequence[RowKey]) -> None:
        """All of them are made anew: they take nothing but hashes."""
        for trees in self._trees:
            metrics.divergent_rows.inc(await state.found(self.conn, trees.name, wrong))
            self._crash_at("found")
            with contextlib.suppress(RebuildUnderWay):
                async with EventStore.open(self._url) as store:
                    rebuilt = await rebuild(self._url, store, trees)
                async with self.conn.transaction():
                    await healed(self.conn, trees, rebuilt.position, wrong)

    async def _broken(self, found: Broken) -> None:
        if await state.set_broken(self.conn, found):
            log.critical(
                "history_broken",
                project=found.team_id,
                position=found.position,
                reason=found.reason,
            )

    async def _prove_reads(self) -> int:
        """Those under one seal more; 0 at the end of a round."""
        count = await self._reads.step(self.conn)
        if not count:
            self._reads_at = time.monotonic() + ROUND_SECONDS
        await self._pace(count)
        return count

    async def _prove_rows(self) -> bool:
        """Some streams more, then the rows of some table; whether the round is over."""
        if await self._prove_streams():
            return False
        count, found = await self._strays.step()
        await self._pace(count / ROWS_PER_FACT)
        if found is None and self._strays.is_over():
            found = await self._newest.step()
            if found is None:
                await self._end_round()
                return True
        if found is not None:
            await self._broken(found)
        return False

    async def _prove_streams(self) -> bool:
        """The next few; whether there were any."""
        await self.conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with self.conn.transaction():
            after = (await state.state(self.conn)).after
            streams = _group(await streams_after(self.conn, after, MOST_STREAMS))
            if not streams:
                return False
            wrong = await self._streams.compare(streams, self._pace)
            await state.proved_streams(self.conn, streams[-1].id, _begun(after, streams[-1].id))
        metrics.proved_streams.inc(len(streams))
        if wrong:
            self._crash_at("found")
        for projection, rows in wrong.items():
            found = await self._streams.heal(projection, streams, rows)
            if found is not None:
                await self._broken(found)
        return True

    async def _end_round(self) -> None:
        await self.conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
        await find_untold(self.conn)
        async with self.conn.transaction():
            began = (await state.state(self.conn)).round_at
            for projection, rows in (await state.seen_before(self.conn, began)).items():
                # Somebody else has righted them meanwhile; it is told all the same.
                await state.healed(self.conn, projection, 0, rows)
            await state.ended_round(self.conn)
        age = await state.oldest_proof(self.conn)
        if age is not None:
            proved_at = time.monotonic() - age
            metrics.oldest_proof_seconds.set_function(lambda: time.monotonic() - proved_at)


async def _are_ours(conn: Connection) -> bool:
    """Whether the tables are this version's."""
    row = await (await conn.execute(_TABLES_OF)).fetchone()
    return row == (NEWEST,)


def _group(streams: Sequence[KnownStream]) -> list[KnownStream]:
    """As many of the first ones as one transaction takes; at least one."""
    group: list[KnownStream] = []
    facts = 0
    for stream in streams:
        facts += stream.length
        if group and facts > GROUP:
            break
        group.append(stream)
    return group


def _begun(after: UUID, last: UUID) -> range:
    """The shares whose first stream is proved now; those that have none are passed with others."""
    first = 0 if after.int == 0 else after.bytes[0] + 1
    return range(first, last.bytes[0] + 1)
