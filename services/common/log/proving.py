"""Proof that the log is whole and unchanged: ranges of it are proved side by side, and then held
against each other.
"""

import asyncio
import contextlib
import multiprocessing
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TypeVar

from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import BaseRowFactory, TupleRow, scalar_row

from contracts.chain import BEGINNING, Link
from contracts.merkle import Frontier, node_hash
from services.common.log import reading
from services.common.log.ranges import (
    Place,
    RangeAsked,
    RangeBroken,
    RangeProof,
    StreamSpan,
    prove,
)
from services.common.log.verify import (
    HistoryBroken,
    Verification,
    VerifyProgress,
    check_heads,
)

T = TypeVar("T")

STEP = 20_000
# A process of its own takes half a second to begin.
WORTH_PROCESSES = 200_000


class JoinedRanges:
    """Ranges held against each other, in their order, as far as they have come."""

    def __init__(self) -> None:
        self.position = 0
        self.links: dict[int, Link] = {}
        self.roots: dict[tuple[int, int], bytes] = {}
        self._at = 0
        self._times: dict[int, int] = {}
        self._versions: dict[str, int] = {}
        self._trees: dict[int, Frontier] = {}
        self._erased: dict[tuple[int, int], tuple[bytes, Place]] = {}
        self._told: dict[tuple[int, int], bytes] = {}

    def take(self, proof: RangeProof) -> None:
        """Raises HistoryBroken when the range does not hold, or is not the one that follows."""
        breaks = [*self._breaks(proof), *([proof.broken] if proof.broken is not None else [])]
        if breaks:
            raise _history_broken(min(breaks, key=lambda each: each.position))
        for team_id, chain in proof.chains.items():
            self.links[team_id] = Link(chain.team_seq, chain.hash)
            self._times[team_id] = chain.last_at
            self._grow(team_id, chain.pieces)
        for stream, span in proof.streams.items():
            self._versions[stream] = span.last
        self._erased |= proof.erased
        self._told |= proof.told
        self.position, self._at = proof.last, max(self._at, proof.last_at)

    def check_erasures(self) -> None:
        """Raises HistoryBroken at the first entry that was erased and not told, or the other way
        round.
        """
        for team_id, sequence in sorted(self._erased.keys() | self._told.keys()):
            commitment, place = self._erased.get((team_id, sequence), (None, None))
            if commitment != self._told.get((team_id, sequence)):
                raise HistoryBroken(
                    place.position if place is not None else 0,
                    team_id,
                    "erasure",
                    sequence=sequence,
                    name=place.name if place is not None else None,
                )

    def _breaks(self, proof: RangeProof) -> Iterator[RangeBroken]:
        """Where the range does not continue what came before it."""
        first = proof.first_place
        if first is not None and proof.first_at <= self._at:
            yield RangeBroken("at", first.position, first)
        for team_id, chain in proof.chains.items():
            link = self.links.get(team_id, BEGINNING)
            if chain.first.team_seq != link.team_seq + 1:
                yield RangeBroken("team_seq", chain.first.position, chain.first)
            elif chain.before != link.hash:
                yield RangeBroken("hash", chain.first.position, chain.first)
            elif chain.first_at <= self._times.get(team_id, 0):
                yield RangeBroken("at", chain.first.position, chain.first)
        for stream, span in proof.streams.items():
            if span.first != self._versions.get(stream, 0) + 1:
                yield _begins_wrong(span)

    def _grow(self, team_id: int, pieces: Sequence[tuple[int, list[tuple[int, bytes]]]]) -> None:
        tree = self._trees.get(team_id, Frontier())
        for size, nodes in pieces:
            tree = _joined(tree, nodes)
            self.roots[team_id, size] = tree.root
        self._trees[team_id] = tree


async def verify(
    url: str, sizes: Mapping[int, Sequence[int]] | None = None, *, processes: int | None = None
) -> AsyncIterator[VerifyProgress | Verification]:
    """Progress every few thousand entries, then Verification.

    sizes: project -> of its tree, whose roots are wanted, ascending.
    processes: that prove ranges side by side; as many as there are processors unless given, and
    none for a log that is soon through.
    Beside a running server, too: it sees the log as it was at the start. Raises HistoryBroken at
    the first entry that does not hold, HeadMoved after the last one.
    """
    async with await AsyncConnection.connect(url, options="-c timezone=UTC") as conn:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await conn.set_read_only(True)
        (total,) = await _select(conn, scalar_row, reading.HEAD)
        (snapshot,) = await _select(conn, scalar_row, "SELECT pg_export_snapshot()")
        asked = [
            RangeAsked(url, snapshot, first, min(first + STEP - 1, total), sizes or {})
            for first in range(1, total + 1, STEP)
        ]
        joined = JoinedRanges()
        try:
            async for proof in _proved(asked, _workers(total, processes)):
                joined.take(proof)
                if joined.position < total:
                    yield VerifyProgress(joined.position, total)
            joined.check_erasures()
        except HistoryBroken as broken:
            raise await _told_exactly(conn, broken) from None
        await check_heads(conn, joined.links)
        yield VerifyProgress(joined.position, total)
        yield Verification(joined.position, joined.links, joined.roots)


def _workers(total: int, processes: int | None) -> int:
    """0: a thread of this process will do."""
    if processes is not None:
        return processes
    return len(os.sched_getaffinity(0)) if total >= WORTH_PROCESSES else 0


async def _proved(asked: Sequence[RangeAsked], workers: int) -> AsyncIterator[RangeProof]:
    """Of each range, in their order; a few are proved ahead."""
    loop = asyncio.get_running_loop()
    with _executor(workers) as executor:
        ahead: list[asyncio.Future[RangeProof]] = []
        left = iter(asked)
        with contextlib.closing(_Cancelled(ahead)):
            for each in left:
                ahead.append(loop.run_in_executor(executor, prove, each))
                if len(ahead) > 2 * workers:
                    yield await ahead.pop(0)
            while ahead:
                yield await ahead.pop(0)


class _Cancelled:
    """Futures that nobody waits for any more, once it is closed."""

    def __init__(self, futures: "list[asyncio.Future[RangeProof]]") -> None:
        self._futures = futures

    def close(self) -> None:
        for future in self._futures:
            future.cancel()


def _executor(workers: int) -> Executor:
    if workers == 0:
        return ThreadPoolExecutor(1)
    # Not a fork: this process has threads and connections.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _joined(tree: Frontier, nodes: Sequence[tuple[int, bytes]]) -> Frontier:
    """The tree with complete subtrees more, each where its level allows it."""
    size, hashes = tree.size, list(tree.nodes)
    for level, hash_ in nodes:
        index = size >> level
        while index & 1:
            hash_ = node_hash(hashes.pop(), hash_)
            index >>= 1
        hashes.append(hash_)
        size += 1 << level
    return Frontier(size, tuple(hashes))


def _begins_wrong(span: StreamSpan) -> RangeBroken:
    return RangeBroken("version", span.begins.position, span.begins)


def _history_broken(broken: RangeBroken) -> HistoryBroken:
    place = broken.place
    return HistoryBroken(
        broken.position,
        place.team_id,
        broken.what,
        sequence=place.team_seq,
        name=place.name or None,
    )


async def _told_exactly(conn: AsyncConnection[TupleRow], broken: HistoryBroken) -> HistoryBroken:
    """With what only the log tells: whether the number that was to come is gone or elsewhere, and
    the place of an entry that is named by its number.
    """
    if broken.what == "erasure" and not broken.position:
        rows = await conn.execute(reading.PLACE, (broken.team_id, broken.sequence))
        position, name = await rows.fetchone() or (0, None)
        return HistoryBroken(
            int(position), broken.team_id, "erasure", sequence=broken.sequence, name=name
        )
    if broken.what == "position":
        return HistoryBroken(broken.position, broken.team_id, "position", code="missing")
    if broken.what == "team_seq":
        rows = await conn.execute(reading.SEQUENCE_BEFORE, (broken.team_id, broken.position))
        (before,) = await rows.fetchone() or (0,)
        elsewhere = await conn.execute(reading.PLACE, (broken.team_id, before + 1))
        is_gone = (broken.sequence or 0) > before + 1 and await elsewhere.fetchone() is None
        return HistoryBroken(
            broken.position,
            broken.team_id,
            "team_seq",
            code="missing" if is_gone else "reordered",
            sequence=before + 1 if is_gone else broken.sequence,
            name=None if is_gone else broken.name,
        )
    return broken


async def _select(
    conn: AsyncConnection[TupleRow], rows: BaseRowFactory[T], statement: str
) -> list[T]:
    async with conn.cursor(binary=True, row_factory=rows) as cursor:
        await cursor.execute(statement.encode())
        return await cursor.fetchall()
