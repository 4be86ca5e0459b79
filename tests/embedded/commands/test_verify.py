"""`recount verify` and `recount log-key`, on a database elsewhere."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from contracts.events.insight import InsightRenamed
from contracts.notes import parse_vkey
from services.embedded.cli import recount
from services.embedded.refusal import CannotStart
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from tests.examples import created
from tests.services.common.verifying.archives import archive, history
from tests.services.projector.projecting import projecting
from tests.services.projector.proofs.growing import proofs

Run = Callable[..., Result]


@pytest.fixture
def run(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on a signed log of three entries; its keys are in tmp_path/keys."""
    monkeypatch.setenv("RECOUNT_EMBEDDED_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("RECOUNT_EMBEDDED_LOG_KEY_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("RECOUNT_EMBEDDED_LOG_ORIGIN", "recount/test")
    asyncio.run(_write(postgres_url, tmp_path))
    return lambda *words: CliRunner().invoke(recount, words)


async def _write(url: str, folder: Path) -> None:
    async with projecting(url) as projector:
        signer = Signer(
            projector.pool, "recount/test", KeyFiles(folder / "keys"), apart=timedelta(0)
        )
        await projector.append(created())
        await projector.append(InsightRenamed("a", ""), InsightRenamed("b", "a"))
        await proofs(projector)
        await signer.sign()
        (row,) = await projector.rows("SELECT note FROM signed_checkpoints")
        (folder / "checkpoint").write_text(row["note"])


def test_a_log_that_holds_is_told_with_what_is_signed_of_it(run: Run, tmp_path: Path) -> None:
    told = run("verify", "--against", str(tmp_path / "checkpoint"))
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "3 entries, whole and unchanged.")
    assert told.stdout.splitlines()[1].startswith("Project 1: 3 entries, last hash ")
    assert told.stdout.endswith("signed up to 3\n")
    found = json.loads(run("verify", "--json").stdout)
    assert (found["holds"], found["entries"], found["checkpoints"]) == (True, 3, 1)
    assert found["projects"]["1"]["signed"] == 3


def test_a_log_that_does_not_hold_is_told_with_code_and_place(run: Run, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("UPDATE log SET state = '{}' WHERE notification_id = 2")
    told = run("verify", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout) == {
        "holds": False,
        "code": "altered",
        "project": 1,
        "sequence": 2,
        "position": 2,
        "type": "insight.renamed.v1",
        "reason": "position 2 (project 1): commitment does not follow",
    }
    assert "position 2" in run("verify").stderr


def test_what_can_not_be_used_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "nothing").write_text("nothing")
    assert run("verify", "--against", str(tmp_path / "nothing")).exit_code == 2
    assert run("verify", "--against", str(tmp_path / "none")).exit_code == 2
    assert run("verify", "--key", "x").exit_code == 2
    assert run("verify", "--export", str(tmp_path / "none")).exit_code == 2


def test_an_archive_needs_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "facts.ndjson"
    file.write_bytes(b"\n".join(archive(history())) + b"\n")
    told = CliRunner().invoke(recount, ["verify", "--export", str(file)])
    assert (told.exit_code, told.stdout.partition(",")[0]) == (0, "12 entries hold")
    printed = CliRunner().invoke(recount, ["verify", "--print-verifier"])
    assert printed.stdout.startswith('"""Verifies an archive')


def test_the_log_s_key_is_shown_and_rotated(run: Run, tmp_path: Path) -> None:
    (before,) = run("log-key", "show").stdout.splitlines()
    assert parse_vkey(before).name == "recount/test/1"
    first, second = json.loads(run("log-key", "rotate", "--json").stdout)
    assert (first["vkey"], first["lost"], second["until"]) == (before, False, None)
    assert first["until"] is not None
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["log-1.pem", "log-2.pem"]
    (tmp_path / "keys/log-2.pem").unlink()
    assert isinstance(run("log-key", "rotate").exception, CannotStart)
    third = json.loads(run("log-key", "rotate", "--lost", "--json").stdout)[-1]
    assert (third["until"], third["vkey"] in (before, second["vkey"])) == (None, False)


def test_a_renewed_installation_keeps_what_was_signed_before(
    run: Run, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECOUNT_EMBEDDED_LOG_ORIGIN")
    before = run("log-key", "show").stdout
    made = run("installation", "renew").stdout.strip()
    assert run("log-key", "show").stdout.startswith(f"recount/{made}/1+")
    assert made not in before
    asyncio.run(_sign_more(postgres_url, tmp_path, f"recount/{made}"))
    told = run("verify", "--against", str(tmp_path / "checkpoint"), "--json")
    assert json.loads(told.stdout)["checkpoints"] == 3, told.stderr


async def _sign_more(url: str, folder: Path, origin: str) -> None:
    async with projecting(url) as projector:
        signer = Signer(projector.pool, origin, KeyFiles(folder / "keys"), apart=timedelta(0))
        await projector.append(InsightRenamed("c", "b"))
        await proofs(projector)
        await signer.sign()
