"""What is read of a tree while it grows: its roots, and proofs that hold."""

from collections.abc import AsyncIterator

import pytest

from contracts.merkle import TILE_WIDTH, consistent, includes, joined, leaf_hash, root_of
from services.common.proofs import tree
from services.common.proofs.tree import NotInTree
from tests.examples import TEAM
from tests.services.projector.projecting import Projecting, projecting
from tests.services.projector.proofs.growing import MANY, many, proofs


@pytest.fixture
async def grown(postgres_url: str) -> AsyncIterator[Projecting]:
    async with projecting(postgres_url) as opened:
        await many(opened)
        await proofs(opened)
        yield opened


async def test_roots_and_proofs_of_any_size_hold(grown: Projecting) -> None:
    leaves = await tree.leaves(grown.pool, TEAM, 0, MANY)
    assert len(leaves) == MANY
    whole = root_of(leaves)
    assert (await tree.frontier(grown.pool, TEAM)).root == whole
    for size in (1, 2, 255, 256, 257, 511, 512, 599, MANY):
        root = await tree.root(grown.pool, TEAM, size)
        assert root == root_of(leaves[:size])
        assert joined(await tree.subtrees(grown.pool, TEAM, size)) == root
        proof = await tree.consistency(grown.pool, TEAM, size, MANY)
        assert consistent(size, MANY, root, whole, proof)
        proof = await tree.inclusion(grown.pool, TEAM, size, MANY)
        assert includes(leaves[size - 1], size - 1, MANY, whole, proof)


async def test_a_tile_of_the_lowest_level_is_in_the_log(grown: Projecting) -> None:
    leaves = await tree.leaves(grown.pool, TEAM, 0, MANY)
    lowest = await tree.tile(grown.pool, TEAM, 0, 2, 0, TILE_WIDTH)
    assert lowest == b"".join(map(leaf_hash, leaves[512:]))
    above = await tree.tile(grown.pool, TEAM, 1, 0, 0, TILE_WIDTH)
    assert above == root_of(leaves[:256]) + root_of(leaves[256:512])
    assert await tree.tile(grown.pool, TEAM, 1, 0, 1, 2) == root_of(leaves[256:512])
    assert await tree.tile(grown.pool, TEAM, 2, 0, 0, TILE_WIDTH) == b""


async def test_what_is_beyond_the_tree_has_no_proof(grown: Projecting) -> None:
    with pytest.raises(NotInTree):
        await tree.root(grown.pool, TEAM, MANY + 1)
    with pytest.raises(NotInTree):
        await tree.inclusion(grown.pool, TEAM, 5, MANY + 1)
    with pytest.raises(NotInTree):
        await tree.consistency(grown.pool, 99, 1, 2)
