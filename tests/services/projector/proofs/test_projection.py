"""The trees are those over the log's hashes, however they grew and whoever died meanwhile."""

import pytest

from contracts.events.insight import InsightRenamed
from contracts.merkle import TILE_WIDTH, Frontier, grown
from services.projector.proofs.projection import EntriesMissing, ProofsProjection
from services.projector.rebuild import rebuild
from tests.examples import TEAM
from tests.services.projector.projecting import Killed, Projecting, killed_at
from tests.services.projector.proofs.growing import MANY, many, proofs


async def hold(projector: Projecting) -> None:
    """The rows are what their definition says of the log."""
    edges = {
        row["team_id"]: (row["size"], row["nodes"])
        for row in await projector.rows("SELECT * FROM tree_edges")
    }
    tiles = {
        (row["team_id"], row["level"], row["index"]): row["hashes"]
        for row in await projector.rows("SELECT * FROM tree_tiles")
    }
    teams = await projector.rows("SELECT DISTINCT team_id FROM log")
    assert set(edges) == {row["team_id"] for row in teams}
    expected: dict[tuple[int, int, int], bytes] = {}
    for team_id, edge in edges.items():
        hashes = await projector.rows(
            "SELECT hash FROM log WHERE team_id = %s ORDER BY team_seq", team_id
        )
        growth = grown(Frontier(), [row["hash"] for row in hashes])
        assert edge == (growth.frontier.size, b"".join(growth.frontier.nodes))
        for node, hash_ in growth.completed:
            place = (team_id, node.level // 8, node.index // TILE_WIDTH)
            expected[place] = expected.get(place, b"") + hash_
    assert tiles == expected


@pytest.mark.parametrize("size", [100, 256, 1000])
async def test_the_trees_grow_with_the_log(projector: Projecting, size: int) -> None:
    await many(projector)
    assert await proofs(projector, size) == MANY + 1
    await hold(projector)
    (tile,) = await projector.rows("SELECT * FROM tree_tiles")
    assert len(tile["hashes"]) == MANY // TILE_WIDTH * 32
    await projector.append(InsightRenamed("one more", ""))
    assert await proofs(projector) == MANY + 2
    await hold(projector)


async def test_the_runner_of_other_projections_and_a_rebuild_make_the_same(
    projector: Projecting,
) -> None:
    await many(projector)
    await projector.runner(ProofsProjection(), size=100).catch_up()
    await hold(projector)
    rebuilt = await rebuild(projector.url, projector.store, ProofsProjection(), size=100)
    assert (rebuilt.removed, rebuilt.written) == (0, 0)
    await projector.execute("UPDATE tree_edges SET nodes = sha256('') WHERE team_id = %s", TEAM)
    await projector.execute("DELETE FROM tree_tiles")
    rebuilt = await rebuild(projector.url, projector.store, ProofsProjection(), size=100)
    assert (rebuilt.removed, rebuilt.written) == (1, 2)
    await hold(projector)


@pytest.mark.parametrize("point", ["begun", "written", "committed"])
async def test_a_kill_at_any_point_leaves_whole_batches(projector: Projecting, point: str) -> None:
    await many(projector, 300)
    with pytest.raises(Killed):
        await proofs(projector, 100, killed_at(point))
    rows = await projector.rows("SELECT coalesce(sum(size), 0)::int AS size FROM tree_edges")
    assert rows == [{"size": 100 if point == "committed" else 0}]
    await proofs(projector, 100)
    await hold(projector)


async def test_a_log_that_lacks_an_entry_has_no_tree(projector: Projecting) -> None:
    await many(projector, 5)
    await projector.execute("DELETE FROM log WHERE notification_id = 3")
    with pytest.raises(EntriesMissing):
        await proofs(projector)
