"""The log's key: made once, rotated with a day of both, and told to every chain."""

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.codec import decode_event
from contracts.events.audit import KeyRotated
from contracts.notes import parse_vkey
from services.common.proofs.checkpoints import LogKey, log_keys
from services.projector.proofs.key_files import KeyFiles, UnusableKey, public_of
from services.projector.proofs.log_keys import (
    NothingToRotate,
    OldKeyMissing,
    SigningKeys,
    rotate,
    signing_keys,
)
from tests.examples import created
from tests.services.projector.projecting import Projecting, insight


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


async def looked(projector: Projecting, files: KeyFiles) -> SigningKeys:
    async with projector.pool.connection() as conn:
        return await signing_keys(conn, files)


async def rotated(projector: Projecting, files: KeyFiles, *, lost: bool = False) -> LogKey:
    async with projector.pool.connection() as conn:
        return await rotate(conn, files, "recount/test", lost=lost)


async def test_both_keys_sign_for_a_day_and_every_chain_is_told(
    projector: Projecting, files: KeyFiles
) -> None:
    await projector.append(created())
    await projector.append(created(), of=insight(team_id=2))
    (first,) = (await looked(projector, files)).keys
    new = await rotated(projector, files)
    assert [public_of(key) for key in (await looked(projector, files)).keys] == [
        new.public,
        public_of(first),
    ]
    old, row = await log_keys(projector.pool)
    assert row == new
    assert old.until is not None
    assert old.until - datetime.now(UTC) > timedelta(hours=23)
    told = await projector.rows("SELECT team_id, kind, number, fact::text FROM to_tell ORDER BY 1")
    assert [(each["team_id"], each["kind"], each["number"]) for each in told] == [
        (1, "audit", 0),
        (2, "audit", 0),
    ]
    fact = decode_event("audit.key_rotated.v1", told[1]["fact"].encode())
    assert isinstance(fact, KeyRotated)
    assert (parse_vkey(fact.old).public, parse_vkey(fact.new).public) == (old.public, new.public)
    assert parse_vkey(fact.new).name == "recount/test/2"
    await projector.execute("UPDATE log_keys SET until = now() WHERE until IS NOT NULL")
    assert [public_of(key) for key in (await looked(projector, files)).keys] == [new.public]


async def test_a_lost_key_signs_no_more(projector: Projecting, files: KeyFiles) -> None:
    await looked(projector, files)
    (files.path / "log-1.pem").unlink()
    missing = await looked(projector, files)
    assert missing.keys == ()
    assert "gone" in str(missing.missing)
    with pytest.raises(OldKeyMissing):
        await rotated(projector, files)
    new = await rotated(projector, files, lost=True)
    assert [public_of(key) for key in (await looked(projector, files)).keys] == [new.public]
    old, _ = await log_keys(projector.pool)
    assert old.lost


async def test_a_rotation_that_died_after_it_made_the_key_goes_on_with_that_one(
    projector: Projecting, files: KeyFiles
) -> None:
    await looked(projector, files)
    made = public_of(files.add())
    assert (await rotated(projector, files)).public == made
    assert len(files.read()) == 2


async def test_a_key_that_the_log_does_not_know_signs_nothing(
    projector: Projecting, files: KeyFiles, tmp_path: Path
) -> None:
    with pytest.raises(NothingToRotate):
        await rotated(projector, files)
    await looked(projector, files)
    other = KeyFiles(tmp_path / "others")
    other.add()
    found = await looked(projector, other)
    assert found.keys == ()
    assert "not the log's" in str(found.missing)


async def test_a_file_by_openssl_is_a_key_and_holds_the_next_one_too(
    projector: Projecting, tmp_path: Path
) -> None:
    path = tmp_path / "log.pem"
    files = KeyFiles(path)
    assert (await looked(projector, files)).keys == ()
    assert not path.exists()
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    await asyncio.to_thread(subprocess.run, made, check=True)
    (first,) = (await looked(projector, files)).keys
    await rotated(projector, files)
    signing = (await looked(projector, files)).keys
    assert [public_of(key) for key in signing] == [
        public_of(files.read()[1]),
        public_of(first),
    ]


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.pem"
    path.write_text("nothing")
    with pytest.raises(UnusableKey):
        KeyFiles(path).read()
