"""The Merkle tree over a list that only grows (RFC 9162 2.1): roots, proofs and tiles.

A leaf's hash is SHA-256(0x00 ‖ leaf), a node's SHA-256(0x01 ‖ left ‖ right). A tree of n leaves is
a complete tree over the largest power of two below n, beside the tree over the rest.

A *node* is a complete subtree: at level l, index i it covers the leaves from i·2^l on, 2^l of them.
Any tree is a few nodes from left to right, larger ones first: its *frontier*, which is all that is
needed to append and to tell the root.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import msgspec

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# A tile holds this many hashes of one level, and eight levels of the tree lie between a tile and
# the ones above it (C2SP tlog-tiles).
TILE_LEVELS = 8
TILE_WIDTH = 1 << TILE_LEVELS


class Node(msgspec.Struct, frozen=True):
    """The place of a complete subtree of 2^level leaves, the index-th of them from the left."""

    level: int
    index: int


class Frontier(msgspec.Struct, frozen=True):
    """A tree as far as it has grown.

    nodes: the hashes of its complete subtrees, left to right; one for each bit that is set in
    `size`.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        return joined(self.nodes)


class Growth(msgspec.Struct, frozen=True):
    """completed: the nodes that stand in tiles above the lowest, in order, each with its hash."""

    frontier: Frontier
    completed: list[tuple[Node, bytes]]


# The hash of a node.
Hashes = Callable[[Node], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def joined(nodes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, left to right, larger ones first."""
    if not nodes:
        return EMPTY_ROOT
    *lefts, root = nodes
    for left in reversed(lefts):
        root = node_hash(left, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    return grown(Frontier(), leaves).frontier.root


def grown(frontier: Frontier, leaves: Iterable[bytes]) -> Growth:
    """The tree after some leaves more."""
    size, nodes = frontier.size, list(frontier.nodes)
    completed: list[tuple[Node, bytes]] = []
    for leaf in leaves:
        hash_ = sha256(b"\0" + leaf).digest()
        level = 0
        while size >> level & 1:
            hash_ = sha256(b"\1" + nodes.pop() + hash_).digest()
            level += 1
            if level % TILE_LEVELS == 0:
                completed.append((Node(level, size >> level), hash_))
        nodes.append(hash_)
        size += 1
    return Growth(Frontier(size, tuple(nodes)), completed)


def frontier_nodes(size: int, start: int = 0) -> list[Node]:
    """The nodes of the tree over `size` leaves from `start` on, left to right.

    start: a multiple of the smallest power of two that is not below `size`.
    """
    nodes = []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            nodes.append(Node(level, start >> level))
            start += 1 << level
    return nodes


def inclusion_proof(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """Proof that leaf `index`, counted from 0, is in the tree of `size` leaves."""
    return [_hash(hashes, start, count) for start, count in _inclusion(index, 0, size)]


def consistency_proof(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `new` leaves begins with the one of `old`, 0 < old <= new.

    Empty between equal sizes: their roots are to be compared.
    """
    return [_hash(hashes, start, count) for start, count in _consistency(old, 0, new, known=True)]


def includes(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that `leaf` is number `index`, from 0, of the tree with that root."""
    if not 0 <= index < size:
        return False
    hash_, last = leaf_hash(leaf), size - 1
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            hash_ = node_hash(sibling, hash_)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and hash_ == root


def consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the larger tree begins with the smaller one.

    False from 0: the empty tree begins every other, so that proves nothing.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    first, *rest = path
    old_hash = new_hash = first
    for sibling in rest:
        if last == 0:
            return False
        if index & 1 or index == last:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and old_hash == old_root and new_hash == new_root


def tile_of(node: Node) -> tuple[Node, slice]:
    """The tile that tells a node's hash, and which of the tile's hashes are to be joined for it.

    The tile is named by the node that it is complete under; its hashes are of TILE_LEVELS below.
    """
    level, above = divmod(node.level, TILE_LEVELS)
    first = node.index << above
    tile, place = divmod(first, TILE_WIDTH)
    return Node((level + 1) * TILE_LEVELS, tile), slice(place, place + (1 << above))


def joined_evenly(hashes: Sequence[bytes]) -> bytes:
    """The hash of the node above hashes of one level; their number is a power of two."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]


def _hash(hashes: Hashes, start: int, count: int) -> bytes:
    return joined([hashes(node) for node in frontier_nodes(count, start)])


def _inclusion(index: int, start: int, size: int) -> list[tuple[int, int]]:
    """The trees, as start and size, beside the way from a leaf up to the root."""
    if size == 1:
        return []
    left = _left(size)
    if index < left:
        return [*_inclusion(index, start, left), (start + left, size - left)]
    return [*_inclusion(index - left, start + left, size - left), (start, left)]


def _consistency(old: int, start: int, new: int, *, known: bool) -> list[tuple[int, int]]:
    """known: the old tree's root is this tree's, when it is as large."""
    if old == new:
        return [] if known else [(start, new)]
    left = _left(new)
    if old <= left:
        return [*_consistency(old, start, left, known=known), (start + left, new - left)]
    right = _consistency(old - left, start + left, new - left, known=False)
    return [*right, (start, left)]


def _left(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
