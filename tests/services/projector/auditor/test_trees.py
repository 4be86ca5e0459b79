"""Trees over the chains: their rows are righted, and a signed root must be the log's."""

from typing import LiteralString

from contracts.events.insight import InsightRenamed
from contracts.merkle import root_of
from services.common.log.store import Append, AppendPart
from services.projector.app import rebuildable
from services.projector.auditor.auditor import Auditor
from services.projector.proofs import projection as proofs
from tests.examples import ALICE, created, operation
from tests.services.projector.auditor.test_damage import told
from tests.services.projector.auditor.test_history import broken
from tests.services.projector.projecting import Projecting, insight


async def a_tree(projector: Projecting) -> None:
    """Of 601 leaves: two full tiles below, and a third."""
    await projector.append(created())
    renamed = tuple(InsightRenamed(f"Name {number}", None) for number in range(600))
    await projector.store.append(
        Append(
            parts=(AppendPart(insight(), None, renamed),),
            actor=ALICE,
            operation_id=operation(1),
            correlation_id=operation(1),
        )
    )
    await projector.catch_up()
    async with projector.pool.connection() as conn:
        await proofs.catch_up(conn)


async def trees(projector: Projecting) -> list[dict[str, object]]:
    return [
        *await projector.rows("SELECT * FROM tree_edges ORDER BY 1"),
        *await projector.rows("SELECT * FROM tree_tiles ORDER BY 1, 2, 3"),
    ]


DAMAGES: list[tuple[LiteralString, list[list[object]]]] = [
    ("UPDATE tree_tiles SET hashes = hashes || hashes", [["tree_tiles", 1, 1, 0]]),
    ("UPDATE tree_tiles SET hashes = sha256('') || sha256('')", [["tree_tiles", 1, 1, 0]]),
    ("DELETE FROM tree_tiles", [["tree_tiles", 1, 1, 0]]),
    ("UPDATE tree_edges SET nodes = sha256('')", [["tree_edges", 1]]),
    ("INSERT INTO tree_tiles VALUES (1, 1, 1, sha256(''))", [["tree_tiles", 1, 1, 1]]),
    # There is no such project to tell it.
    ("INSERT INTO tree_edges VALUES (99, 1, 1, sha256(''))", []),
]


async def test_rows_of_trees_are_made_anew(projector: Projecting) -> None:
    await a_tree(projector)
    before = await trees(projector)
    audits = Auditor(projector.url, rebuildable(), per_second=0)
    await audits.round()
    assert await told(projector) == []
    for damage, keys in DAMAGES:
        await projector.execute(damage)
        await audits.round()
        assert await trees(projector) == before, damage
        assert await told(projector) == keys
        await projector.execute("DELETE FROM to_tell")
    await audits.round()
    assert await told(projector) == []
    assert await projector.rows("SELECT * FROM audit_findings") == []


async def test_a_root_that_was_signed_must_be_the_logs(projector: Projecting) -> None:
    await a_tree(projector)
    hashes = await projector.rows("SELECT hash FROM log ORDER BY team_seq LIMIT 300")
    root = root_of([row["hash"] for row in hashes])
    signed = "INSERT INTO signed_checkpoints (team_id, size, root, note) VALUES (1, %s, %s, '')"
    audits = Auditor(projector.url, rebuildable(), per_second=0)
    await projector.execute(signed, 300, root)
    await audits.round()
    assert await broken(projector) is None
    # Of a history that was another one up to there.
    await projector.execute(signed, 400, root)
    await audits.round()
    assert await broken(projector) == "project 1, position 400: another root was signed"
