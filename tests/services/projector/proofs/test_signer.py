"""Checkpoints: one root for each size, never a smaller one, whoever dies meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from contracts.events.insight import InsightRenamed
from contracts.notes import parse_checkpoint, parse_note, signers
from services.common.proofs.checkpoints import SignedCheckpoint, log_keys, newest
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer, thin
from tests.examples import TEAM, created
from tests.services.projector.projecting import Killed, Projecting, killed_at
from tests.services.projector.proofs.growing import proofs

ORIGIN = "recount/test"
AT_ONCE = timedelta(0)


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


def signer(
    projector: Projecting,
    files: KeyFiles | None,
    apart: timedelta = AT_ONCE,
    crash_at: Callable[[str], None] = lambda point: None,
) -> Signer:
    return Signer(projector.pool, ORIGIN, files, apart=apart, crash_at=crash_at)


async def grow(projector: Projecting, name: str = "") -> None:
    """One fact more, and it is in the tree."""
    await projector.append(InsightRenamed(name, "") if name else created())
    await proofs(projector)


async def signed(projector: Projecting) -> SignedCheckpoint:
    found = await newest(projector.pool, TEAM)
    assert found is not None
    return found


async def sizes(projector: Projecting) -> list[int]:
    rows = await projector.rows("SELECT size FROM signed_checkpoints ORDER BY size")
    return [row["size"] for row in rows]


async def test_a_tree_that_grew_is_signed_by_a_key_of_its_own_making(
    projector: Projecting, files: KeyFiles
) -> None:
    one = signer(projector, files)
    await one.sign()
    assert await newest(projector.pool, TEAM) is None
    await grow(projector)
    await one.sign()
    found = await signed(projector)
    (key,) = await log_keys(projector.pool)
    note = parse_note(found.note)
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == (f"{ORIGIN}/{TEAM}", 1)
    assert checkpoint.root == found.root
    assert signers(note, [key.named(checkpoint.origin)]) == [key.named(checkpoint.origin)]
    assert (files.path / "log-1.pem").stat().st_mode & 0o777 == 0o600
    assert (one.missing_key, one.refused) == (None, {})
    await one.sign()
    assert await sizes(projector) == [1]


async def test_without_a_key_checkpoints_have_no_signature_and_health_knows(
    projector: Projecting,
) -> None:
    one = signer(projector, None)
    await grow(projector)
    await one.sign()
    assert parse_note((await signed(projector)).note).signatures == ()
    assert one.missing_key is not None


async def test_checkpoints_of_a_tree_are_a_while_apart(
    projector: Projecting, files: KeyFiles
) -> None:
    one = signer(projector, files, timedelta(hours=1))
    for name in ("", "a", "b"):
        await grow(projector, name)
        await one.sign()
    assert await sizes(projector) == [1]
    await projector.execute("UPDATE signed_checkpoints SET at = at - interval '1 hour'")
    await one.sign()
    assert await sizes(projector) == [1, 3]


@pytest.mark.parametrize("point", ["looked", "signed", "committed"])
async def test_a_kill_at_any_point_leaves_one_checkpoint_or_none(
    projector: Projecting, files: KeyFiles, point: str
) -> None:
    await grow(projector)
    with pytest.raises(Killed):
        await signer(projector, files, crash_at=killed_at(point)).sign()
    assert await sizes(projector) == ([1] if point == "committed" else [])
    await signer(projector, files).sign()
    await grow(projector, "a")
    await signer(projector, files).sign()
    assert await sizes(projector) == [1, 2]
    assert len(files.read()) == 1


async def test_a_tree_that_does_not_begin_with_what_was_signed_is_not_signed(
    projector: Projecting, files: KeyFiles
) -> None:
    one = signer(projector, files)
    await grow(projector)
    await grow(projector, "a")
    await one.sign()
    await projector.execute("UPDATE log SET hash = sha256('other') WHERE notification_id = 2")
    await projector.execute("DELETE FROM tree_edges")
    await projector.execute("UPDATE checkpoints SET position = 0 WHERE projection = 'proofs'")
    await grow(projector, "b")
    await one.sign()
    assert await sizes(projector) == [2]
    assert "not those that were signed" in one.refused[TEAM]
    await projector.execute("DELETE FROM log WHERE notification_id > 1")
    await projector.execute("DELETE FROM tree_edges")
    await projector.execute("UPDATE checkpoints SET position = 0 WHERE projection = 'proofs'")
    await proofs(projector)
    await one.sign()
    assert await sizes(projector) == [2]
    assert "1 are left" in one.refused[TEAM]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO signed_checkpoints (team_id, size, root, note)"
        " SELECT team_id, size, sha256('other'), note FROM signed_checkpoints WHERE size = 2",
        "INSERT INTO signed_checkpoints (team_id, size, root, note)"
        " SELECT team_id, 1, sha256('other'), note FROM signed_checkpoints WHERE size = 2",
        "UPDATE signed_checkpoints SET root = sha256('other')",
        "UPDATE signed_checkpoints SET size = 7",
    ],
)
async def test_a_size_has_one_root_and_none_follows_that_is_smaller(
    projector: Projecting, files: KeyFiles, statement: str
) -> None:
    await grow(projector)
    await grow(projector, "a")
    await signer(projector, files).sign()
    async with projector.pool.connection() as conn:
        with pytest.raises(psycopg.IntegrityError):
            await conn.execute(statement.encode())


async def test_old_checkpoints_are_thinned_to_one_an_hour_but_for_those_that_are_kept(
    projector: Projecting, files: KeyFiles
) -> None:
    one = signer(projector, files)
    for number in range(6):
        await grow(projector, str(number) if number else "")
        await one.sign()
    await projector.execute(
        "UPDATE signed_checkpoints SET at = date_trunc('hour', now()) - interval '5 hours'"
        " + size * interval '1 minute' + (size / 5) * interval '1 hour', kept = size = 2"
    )
    async with projector.pool.connection() as conn:
        await thin(conn)
    assert await sizes(projector) == [2, 4, 6]


async def test_two_signers_sign_each_size_once(projector: Projecting, files: KeyFiles) -> None:
    await grow(projector)
    first = signer(projector, files)
    async with projector.pool.connection() as conn, conn.transaction():
        await conn.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('recount checkpoints', 0))"
        )
        await first.sign()
        assert await sizes(projector) == []
    await first.sign()
    assert await sizes(projector) == [1]
