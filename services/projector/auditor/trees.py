"""Trees over the chains: their rows, and every signed root, against the log's hashes."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

import msgspec

from contracts.chain import Entry
from contracts.merkle import HASH_BYTES, TILE_LEVELS, TILE_WIDTH, Frontier, Growth, Node, grown
from contracts.read_models import projections
from services.projector import checkpoint
from services.projector.auditor.comparing import RowKey
from services.projector.checkpoint import Connection

_EDGES: LiteralString = "SELECT team_id, size, nodes FROM tree_edges WHERE team_id = ANY(%s)"

_SIGNED: LiteralString = """
    SELECT team_id, size, root FROM signed_checkpoints
    JOIN unnest(%(teams)s::bigint[], %(before)s::bigint[], %(after)s::bigint[])
        AS taken (team_id, before, after) USING (team_id)
    WHERE size > before AND size <= after"""

_HASH: LiteralString = """
    SELECT substr(hashes, %(place)s * 32 + 1, 32) FROM tree_tiles
    WHERE team_id = %(team_id)s AND level = %(level)s AND index = %(tile)s"""

# As many hashes as the tree's size makes, in tiles that there are. Both are written together.
_STRAYS: LiteralString = """
    SELECT jsonb_build_array('tree_tiles', tile.team_id, level, index)::text, tile.team_id
    FROM tree_tiles AS tile LEFT JOIN tree_edges AS edge USING (team_id)
    WHERE edge.team_id IS NULL
        OR octet_length(hashes) <> 32 * least(256, (size >> (8 * level)) - index * 256)
    UNION ALL
    SELECT jsonb_build_array('tree_edges', team_id)::text, team_id FROM tree_edges
    WHERE NOT EXISTS (SELECT FROM log_heads AS head WHERE head.team_id = tree_edges.team_id)"""


class NotAsSigned(Exception):
    """The first entries of a project, up to this position, have another root than was signed."""

    def __init__(self, team_id: int, position: int) -> None:
        super().__init__(f"project {team_id}: another root was signed at position {position}")
        self.team_id = team_id
        self.position = position


class TreeWalk:
    """Trees made of the log once more, as far as a walk through it has come."""

    def __init__(self) -> None:
        self._trees: dict[int, Frontier] = {}

    async def take(self, conn: Connection, entries: Sequence[Entry]) -> list[RowKey]:
        """The rows that are not as these entries, the next ones, make them. Rows that the
        projection has not reached are not looked at. Raises NotAsSigned.
        """
        chains: dict[int, list[Entry]] = {}
        for entry in entries:
            chains.setdefault(entry.team_id, []).append(entry)
        reached = await checkpoint.reached(conn, projections.PROOFS)
        signed = await self._signed(conn, chains)
        edges = await (await conn.execute(_EDGES, (list(chains),), binary=True)).fetchall()
        sizes = {team_id: (size, bytes(nodes)) for team_id, size, nodes in edges}
        wrong: list[RowKey] = []
        for team_id, chain in chains.items():
            size, nodes = sizes.get(team_id, (0, b""))
            marks = {*signed.get(team_id, ()), size, chain[-1].team_seq}
            for mark in sorted(marks):
                before = self._trees.get(team_id, Frontier())
                if not before.size < mark <= chain[-1].team_seq:
                    continue
                first = chain[0].team_seq
                part = chain[before.size + 1 - first : mark + 1 - first]
                growth = grown(before, [entry.hash for entry in part])
                tree = self._trees[team_id] = growth.frontier
                if signed.get(team_id, {}).get(mark, tree.root) != tree.root:
                    raise NotAsSigned(team_id, part[-1].position)
                if mark == size and nodes != b"".join(tree.nodes):
                    wrong.append(_key(team_id, "tree_edges"))
                if part[-1].position <= reached:
                    wrong += await _wrong_tiles(conn, team_id, growth)
            if size == 0 and chain[-1].position <= reached:
                wrong.append(_key(team_id, "tree_edges"))
        return list({row.key: row for row in wrong}.values())

    async def _signed(
        self, conn: Connection, chains: Mapping[int, Sequence[Entry]]
    ) -> Mapping[int, Mapping[int, bytes]]:
        """Project -> size -> root, of the sizes that these entries lead to."""
        cursor = await conn.execute(
            _SIGNED,
            {
                "teams": list(chains),
                "before": [chain[0].team_seq - 1 for chain in chains.values()],
                "after": [chain[-1].team_seq for chain in chains.values()],
            },
            binary=True,
        )
        signed: dict[int, dict[int, bytes]] = {}
        for team_id, size, root in await cursor.fetchall():
            signed.setdefault(team_id, {})[size] = bytes(root)
        return signed


async def stray_rows(conn: Connection) -> list[RowKey]:
    """Rows of trees that there are none of, or of other sizes."""
    cursor = await conn.execute(_STRAYS)
    return [RowKey(key, team_id) for key, team_id in await cursor.fetchall()]


async def _wrong_tiles(conn: Connection, team_id: int, growth: Growth) -> list[RowKey]:
    wrong = []
    for node, hash_ in growth.completed:
        level, tile, place = _place(node)
        asked = {"team_id": team_id, "level": level, "tile": tile, "place": place}
        row = await (await conn.execute(_HASH, asked, binary=True)).fetchone()
        if row is None or len(row[0]) != HASH_BYTES or bytes(row[0]) != hash_:
            wrong.append(_key(team_id, "tree_tiles", level, tile))
    return wrong


def _place(node: Node) -> tuple[int, int, int]:
    """Level and index of the tile that holds the node, and its place there."""
    tile, place = divmod(node.index, TILE_WIDTH)
    return node.level // TILE_LEVELS, tile, place


def _key(team_id: int, table: str, *more: int) -> RowKey:
    key = msgspec.json.encode([table, team_id, *more]).decode()
    return RowKey(key.replace(",", ", "), team_id)
