"""The Merkle tree: as its definition says, as another implementation has it, and proofs that fail
when anything in them is changed."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import (  # type: ignore[import-untyped]  # the package has no types
    InmemoryTree,
    verify_consistency,
)

from contracts.merkle import (
    EMPTY_ROOT,
    TILE_LEVELS,
    TILE_WIDTH,
    Frontier,
    Hashes,
    Node,
    consistency_proof,
    consistent,
    frontier_nodes,
    grown,
    includes,
    inclusion_proof,
    joined_evenly,
    leaf_hash,
    root_of,
    tile_of,
)

SIZES = st.integers(1, 70)


def leaves(size: int) -> list[bytes]:
    return [sha256(str(number).encode()).digest() for number in range(size)]


def by_definition(of: Sequence[bytes]) -> bytes:
    """RFC 9162 2.1.1, word by word."""
    if not of:
        return sha256(b"").digest()
    if len(of) == 1:
        return sha256(b"\0" + of[0]).digest()
    left = 1
    while left * 2 < len(of):
        left *= 2
    return sha256(b"\1" + by_definition(of[:left]) + by_definition(of[left:])).digest()


def hashes_of(of: Sequence[bytes]) -> Hashes:
    def hash_of(node: Node) -> bytes:
        width = 1 << node.level
        covered = of[node.index * width : (node.index + 1) * width]
        assert len(covered) == width
        return by_definition(covered)

    return hash_of


def test_the_roots_are_those_that_certificate_transparency_publishes() -> None:
    published = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    published.append("606162636465666768696a6b6c6d6e6f")
    of = [bytes.fromhex(leaf) for leaf in published]
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")
    assert root_of(of[:1]).hex().startswith("6e340b9cffb37a98")
    assert root_of(of[:2]).hex().startswith("fac54203e7cc696c")
    assert root_of(of[:3]).hex().startswith("aeb6bcfe274b70a1")
    assert root_of(of).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(size=st.integers(0, 70), cut=st.integers(0, 70))
def test_a_tree_may_grow_in_parts(size: int, cut: int) -> None:
    of = leaves(size)
    first = grown(Frontier(), of[:cut]).frontier
    assert grown(first, of[cut:]).frontier == grown(Frontier(), of).frontier
    assert root_of(of) == by_definition(of)


@given(size=st.integers(0, 70))
def test_the_frontier_holds_the_complete_subtrees_from_left_to_right(size: int) -> None:
    of = leaves(size)
    frontier = grown(Frontier(), of).frontier
    assert frontier.size == size
    assert list(frontier.nodes) == list(map(hashes_of(of), frontier_nodes(size)))


@given(size=SIZES, data=st.data())
def test_roots_and_both_proofs_are_those_of_pymerkle(size: int, data: st.DataObject) -> None:
    other = InmemoryTree(algorithm="sha256")
    of = leaves(size)
    for leaf in of:
        other.append_entry(leaf)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1)) if size > 1 else None
    assert root_of(of) == other.get_root()
    path = other.prove_inclusion(index + 1, size).path
    assert inclusion_proof(hashes_of(of), index, size) == path[1:]
    if old is not None:
        proof = consistency_proof(hashes_of(of), old, size)
        assert consistent(old, size, other.get_root(old), other.get_root(size), proof)
        # It names other subtrees than the RFC does, so its proof is held against our roots.
        verify_consistency(root_of(of[:old]), root_of(of), other.prove_consistency(old, size))


def subproof(old: int, of: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """RFC 9162 2.1.4.1, word by word."""
    if old == len(of):
        return [] if whole else [by_definition(of)]
    left = 1
    while left * 2 < len(of):
        left *= 2
    if old <= left:
        return [*subproof(old, of[:left], whole=whole), by_definition(of[left:])]
    return [*subproof(old - left, of[left:], whole=False), by_definition(of[:left])]


@given(size=SIZES, data=st.data())
def test_proofs_of_consistency_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    of = leaves(size)
    old = data.draw(st.integers(1, size))
    assert consistency_proof(hashes_of(of), old, size) == subproof(old, of, whole=True)


@given(size=SIZES, data=st.data())
def test_a_leaf_is_included_at_its_place_and_nowhere_else(size: int, data: st.DataObject) -> None:
    of = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    root, proof = root_of(of), inclusion_proof(hashes_of(of), index, size)
    assert includes(of[index], index, size, root, proof)
    assert not includes(b"other", index, size, root, proof)
    assert not includes(of[index], index, size, leaf_hash(b"other"), proof)
    assert not includes(of[index], index, size, root, [*proof, bytes(32)])
    assert not includes(of[index], size, size, root, proof)
    for place in range(len(proof)):
        assert not includes(of[index], index, size, root, proof[:place] + proof[place + 1 :])
    for elsewhere in set(range(size)) - {index}:
        assert not includes(of[index], elsewhere, size, root, proof)


@given(old=SIZES, more=st.integers(1, 40))
def test_a_tree_begins_with_a_smaller_one_only_if_it_did(old: int, more: int) -> None:
    of, new = leaves(old + more), old + more
    proof = consistency_proof(hashes_of(of), old, new)
    before, after = root_of(of[:old]), root_of(of)
    assert consistent(old, new, before, after, proof)
    assert not consistent(old, new, leaf_hash(b""), after, proof)
    assert not consistent(old, new, before, leaf_hash(b""), proof)
    assert not consistent(old, new, before, after, [*proof, bytes(32)])
    for place, hash_ in enumerate(proof):
        changed = [*proof[:place], leaf_hash(hash_), *proof[place + 1 :]]
        assert not consistent(old, new, before, after, changed)
        assert not consistent(old, new, before, after, proof[:place] + proof[place + 1 :])


def test_equal_trees_need_no_proof_and_the_empty_one_has_none() -> None:
    of = leaves(5)
    root = root_of(of)
    assert consistency_proof(hashes_of(of), 5, 5) == []
    assert consistent(5, 5, root, root, [])
    assert not consistent(5, 5, root, leaf_hash(b""), [])
    assert not consistent(5, 5, root, root, [root])
    assert not consistent(0, 5, EMPTY_ROOT, root, [])
    assert not consistent(6, 5, root, root, [])


@pytest.mark.parametrize("size", [255, 256, 257, 65_536 + 300])
def test_what_stands_in_higher_tiles_is_told_once_it_is_complete(size: int) -> None:
    of = leaves(size)
    completed = grown(Frontier(), of).completed
    lowest = [(node, hash_) for node, hash_ in completed if node.level == TILE_LEVELS]
    assert [node.index for node, _ in lowest] == list(range(size // TILE_WIDTH))
    for node, hash_ in lowest[:3]:
        assert hash_ == hashes_of(of)(node)
    above = [(node, hash_) for node, hash_ in completed if node.level == 2 * TILE_LEVELS]
    assert len(above) == size // TILE_WIDTH**2
    for node, hash_ in above:
        assert (node.index, hash_) == (0, joined_evenly([hash_ for _, hash_ in lowest[:256]]))
    assert len(completed) == len(lowest) + len(above)


@given(size=st.integers(256, 3000), data=st.data())
def test_a_node_is_found_in_its_tile(size: int, data: st.DataObject) -> None:
    of = leaves(size)
    node = data.draw(st.sampled_from(frontier_nodes(size)))
    tile, places = tile_of(node)
    below = tile.level - TILE_LEVELS
    first = tile.index * TILE_WIDTH
    of_the_tile = [
        hashes_of(of)(Node(below, first + place)) for place in range(places.start, places.stop)
    ]
    assert joined_evenly(of_the_tile) == hashes_of(of)(node)
