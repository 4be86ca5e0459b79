"""The Merkle tree over each project's chain, as a projection: it grows with the log, and can be
folded again.

It needs no fact's content, only hashes, and those of entries that nobody can read, too. So it reads
them itself, from where its rows end to its checkpoint.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.events.recorded import DomainEvent, Recorded
from contracts.merkle import HASH_BYTES, TILE_LEVELS, TILE_WIDTH, Frontier, Node, grown
from contracts.read_models import projections
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import every
from services.projector import checkpoint, metrics
from services.projector.batch import CrashAt, no_crash
from services.projector.checkpoint import Connection
from services.projector.projection import Entry, ErasedFrom, ProjectionTable, WholeChain

BATCH = 10_000
PACE_SECONDS = 0.5

_HASHES: LiteralString = """
    SELECT team_id, max(team_seq), max(notification_id),
        string_agg(hash, ''::bytea ORDER BY team_seq)
    FROM log
    WHERE notification_id > (SELECT coalesce(max(position), 0) FROM tree_edges)
        AND notification_id <= (SELECT position FROM checkpoints WHERE projection = 'proofs')
    GROUP BY team_id"""

_EDGES: LiteralString = "SELECT team_id, size, nodes FROM tree_edges WHERE team_id = ANY(%s)"

_SAVE_EDGE: LiteralString = """
    INSERT INTO tree_edges (team_id, size, position, nodes)
    VALUES (%(team_id)s, %(size)s, %(position)s, %(nodes)s)
    ON CONFLICT (team_id) DO UPDATE
    SET size = excluded.size, position = excluded.position, nodes = excluded.nodes"""

_SAVE_TILE: LiteralString = """
    INSERT INTO tree_tiles AS tile (team_id, level, index, hashes)
    VALUES (%(team_id)s, %(level)s, %(index)s, %(hashes)s)
    ON CONFLICT (team_id, level, index) DO UPDATE SET hashes = tile.hashes || excluded.hashes"""

_HEAD: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM log"


class EntriesMissing(RuntimeError):
    """The log does not have all the entries of a project: no tree can be made of it."""

    def __init__(self, team_id: int, size: int, sequence: int) -> None:
        super().__init__(f"project {team_id}: {size} entries, and the last one is {sequence}")


class GrownTree(msgspec.Struct, frozen=True):
    """A project's tree after a batch. tiles: (level, index) -> the hashes that join the tile."""

    team_id: int
    position: int
    frontier: Frontier
    tiles: dict[tuple[int, int], bytes]


class ProofsProjection:
    name = projections.PROOFS
    # No fact is folded one by one.
    topics: frozenset[str] = frozenset()
    tables = (
        ProjectionTable("tree_edges", ("team_id",), WholeChain()),
        ProjectionTable("tree_tiles", ("team_id", "level", "index"), WholeChain()),
    )

    async def load(
        self, conn: Connection, facts: Sequence[Recorded[DomainEvent]]
    ) -> list[GrownTree]:
        """The trees that grow between the rows and the checkpoint, grown."""
        new = await (await conn.execute(_HASHES, binary=True)).fetchall()
        edges = await conn.execute(_EDGES, ([team_id for team_id, *_ in new],), binary=True)
        before = {
            team_id: Frontier(size, tuple(_parts(nodes)))
            for team_id, size, nodes in await edges.fetchall()
        }
        return [
            _grown(team_id, position, before.get(team_id, Frontier()), _parts(hashes), sequence)
            for team_id, sequence, position, hashes in new
        ]

    def apply(self, state: list[GrownTree], fact: Recorded[DomainEvent]) -> None:
        raise NotImplementedError("no fact is asked for")

    def context(self, fact: Recorded[DomainEvent]) -> UUID | None:
        return None

    async def forget(
        self, conn: Connection, erased: Sequence[ErasedFrom], up_to: int
    ) -> Sequence[Entry]:
        """Nothing: the hashes stay when a payload goes."""
        return ()

    async def save(self, conn: Connection, state: list[GrownTree]) -> None:
        for tree in state:
            row = {"team_id": tree.team_id, "position": tree.position}
            nodes = b"".join(tree.frontier.nodes)
            await conn.execute(_SAVE_EDGE, row | {"size": tree.frontier.size, "nodes": nodes})
            for (level, index), hashes in tree.tiles.items():
                await conn.execute(
                    _SAVE_TILE, row | {"level": level, "index": index, "hashes": hashes}
                )


async def follow(pool: Pool) -> None:
    """Until cancelled. Not at each ring of the log's bell: many facts then cost little more than
    one, and whoever asks for a proof asks for what was signed, which is later still.
    """

    async def once() -> None:
        async with pool.connection() as conn:
            metrics.position.labels(projections.PROOFS).set(await catch_up(conn))

    await every(PACE_SECONDS, once, away=CONNECTION_LOST)


async def catch_up(conn: Connection, *, size: int = BATCH, crash_at: CrashAt = no_crash) -> int:
    """Takes into the trees what the log holds beyond them; the position reached.

    What the runner of other projections does, without reading any fact. conn: in autocommit mode.
    """
    projection = ProofsProjection()
    while True:
        reached = await checkpoint.reached(conn, projection.name)
        (head,) = await (await conn.execute(_HEAD)).fetchone() or (0,)
        if head <= reached:
            return reached
        await _extend(conn, projection, reached, min(head, reached + size), crash_at)


async def _extend(
    conn: Connection, projection: ProofsProjection, after: int, through: int, crash_at: CrashAt
) -> None:
    """Nothing, when another process was faster."""
    async with conn.transaction():
        moved = await checkpoint.advance(conn, projection.name, after, through)
        if await moved.fetchone() is None:
            return
        crash_at("begun")
        trees = await projection.load(conn, ())
        async with conn.pipeline():
            await projection.save(conn, trees)
            await checkpoint.ring(conn, projection.name)
        crash_at("written")
    crash_at("committed")


def _grown(
    team_id: int, position: int, before: Frontier, leaves: Sequence[bytes], sequence: int
) -> GrownTree:
    growth = grown(before, leaves)
    if growth.frontier.size != sequence:
        raise EntriesMissing(team_id, growth.frontier.size, sequence)
    tiles: dict[tuple[int, int], bytes] = {}
    for node, hash_ in growth.completed:
        place = _tile(node)
        tiles[place] = tiles.get(place, b"") + hash_
    return GrownTree(team_id, position, growth.frontier, tiles)


def _tile(node: Node) -> tuple[int, int]:
    return node.level // TILE_LEVELS, node.index // TILE_WIDTH


def _parts(hashes: bytes) -> list[bytes]:
    return [hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)]
