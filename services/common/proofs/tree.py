"""A project's tree, read: its tiles, the roots it had, and proofs between them.

The lowest level is in the log itself, the others are rows of the projection `proofs`. Whatever is
complete at a size stays as it is, so all of this may be read while the tree grows.
"""

from collections.abc import Callable, Sequence
from typing import LiteralString, TypeVar

from contracts.merkle import (
    HASH_BYTES,
    TILE_LEVELS,
    TILE_WIDTH,
    Frontier,
    Hashes,
    Node,
    consistency_proof,
    frontier_nodes,
    inclusion_proof,
    joined,
    joined_evenly,
    leaf_hash,
    tile_of,
)
from services.common.postgres.database import Pool

T = TypeVar("T")

_EDGE: LiteralString = "SELECT size, nodes FROM tree_edges WHERE team_id = %s"

_LEAVES: LiteralString = """
    SELECT hash FROM log WHERE team_id = %s AND team_seq > %s AND team_seq <= %s
    ORDER BY team_seq"""

_TILE: LiteralString = """
    SELECT substring(hashes FROM %s FOR %s) FROM tree_tiles
    WHERE team_id = %s AND level = %s AND index = %s"""


class NotInTree(LookupError):
    """What was asked for is beyond the tree."""


async def frontier(pool: Pool, team_id: int) -> Frontier:
    """The tree as far as it has grown; the empty one before the first fact."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        await cursor.execute(_EDGE, (team_id,))
        row = await cursor.fetchone()
    return Frontier() if row is None else Frontier(row[0], tuple(_parts(row[1])))


async def tile(pool: Pool, team_id: int, level: int, index: int, first: int, end: int) -> bytes:
    """Its hashes from `first` to before `end`, as many as there are. level: 0 is the lowest."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        if level == 0:
            start = index * TILE_WIDTH
            await cursor.execute(_LEAVES, (team_id, start + first, start + end))
            return b"".join(leaf_hash(hash_) for (hash_,) in await cursor.fetchall())
        place = (first * HASH_BYTES + 1, (end - first) * HASH_BYTES)
        await cursor.execute(_TILE, (*place, team_id, level, index))
        row = await cursor.fetchone()
    return b"" if row is None else bytes(row[0])


async def leaves(pool: Pool, team_id: int, after: int, through: int) -> list[bytes]:
    """The entries' own hashes, which the tree is made of, beyond `after`."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        await cursor.execute(_LEAVES, (team_id, after, through))
        return [hash_ for (hash_,) in await cursor.fetchall()]


async def subtrees(pool: Pool, team_id: int, size: int) -> list[bytes]:
    """The hashes of the complete subtrees of the first `size` entries, left to right.

    Raises NotInTree.
    """
    return await _with_nodes(
        pool, team_id, lambda hashes: [hashes(node) for node in frontier_nodes(size)]
    )


async def root(pool: Pool, team_id: int, size: int) -> bytes:
    """Raises NotInTree."""
    return joined(await subtrees(pool, team_id, size))


async def inclusion(pool: Pool, team_id: int, sequence: int, size: int) -> list[bytes]:
    """Proof that the entry is in the tree of that size. Raises NotInTree."""
    return await _with_nodes(
        pool, team_id, lambda hashes: inclusion_proof(hashes, sequence - 1, size)
    )


async def consistency(pool: Pool, team_id: int, old: int, new: int) -> list[bytes]:
    """Proof that the tree of size `new` begins with that of `old`. Raises NotInTree."""
    return await _with_nodes(pool, team_id, lambda hashes: consistency_proof(hashes, old, new))


async def _with_nodes(pool: Pool, team_id: int, work: Callable[[Hashes], T]) -> T:
    """Does the work twice: to hear which nodes it needs, and with them."""
    asked: dict[Node, bytes] = {}

    def note(node: Node) -> bytes:
        asked[node] = b""
        return b""

    work(note)
    tiles: dict[Node, list[tuple[Node, slice]]] = {}
    for node in asked:
        above, places = tile_of(node)
        tiles.setdefault(above, []).append((node, places))
    for above, nodes in tiles.items():
        first = min(places.start for _, places in nodes)
        end = max(places.stop for _, places in nodes)
        level = above.level // TILE_LEVELS - 1
        hashes = _parts(await tile(pool, team_id, level, above.index, first, end))
        if len(hashes) != end - first:
            raise NotInTree(f"project {team_id}: its tree does not go so far")
        for node, places in nodes:
            asked[node] = joined_evenly(hashes[places.start - first : places.stop - first])
    return work(asked.__getitem__)


def _parts(hashes: bytes) -> Sequence[bytes]:
    return [hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)]
