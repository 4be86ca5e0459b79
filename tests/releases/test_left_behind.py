"""What each release has left behind, in this one's hands: its facts are read, proved, and folded to
the rows that it had folded itself. `tests.releases.make` makes a folder; none is ever changed.
"""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from contracts.codec import decode_event, encode_event
from services.common.log.proving import verify
from services.common.log.store import Unreadable
from services.common.log.verify import Verification
from services.projector import checkpoint
from services.projector.app import projections
from tests.releases.make import LOG, ROWS
from tests.services.projector.projecting import projecting

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob(f"*/{LOG}"))


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def restore(url: str, log: list[dict[str, Any]]) -> None:
    """The log and the heads of its chains, as they stood in the database of that release."""
    heads = {row["team_id"]: row for row in log}
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO log SELECT * FROM jsonb_populate_recordset(NULL::log, %s)", (Jsonb(log),)
        )
        for row in heads.values():
            conn.execute(
                "INSERT INTO log_heads (team_id, seq, hash, recorded_at)"
                " VALUES (%(team_id)s, %(team_seq)s, %(hash)s::bytea, %(recorded_at)s)",
                row,
            )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_facts_of_a_release_are_read_proved_and_folded_as_it_did(
    postgres_url: str, folder: Path
) -> None:
    log = log_of(folder)
    restore(postgres_url, log)
    async with projecting(postgres_url) as projector:
        facts = await projector.store.read(after=0)
        assert [fact.reason for fact in facts if isinstance(fact, Unreadable)] == []
        assert len(facts) == len(log) > 50
        await projector.catch_up()
        async with projector.pool.connection() as conn:
            assert await checkpoint.parked(conn) == []
        now = await projector.everything()
    *_, proved = [step async for step in verify(postgres_url)]
    assert isinstance(proved, Verification)
    assert proved.entries == len(log)
    for table, lines in json.loads((folder / ROWS).read_text()).items():
        rows = [row["row"] for row in now[table]]
        assert len(rows) == len(lines), table
        before = by_key(table, list(map(json.loads, lines)))
        for row, then in zip(by_key(table, rows), before, strict=True):
            assert differing(row, then, table) == []


def by_key(table: str, rows: list[Any]) -> list[Any]:
    (key,) = {one.key for each in projections() for one in each.tables if one.name == table}
    return sorted(rows, key=lambda row: [str(row[column]) for column in key])


def differing(now: Any, then: Any, place: str) -> list[str]:
    """Where a row of this release does not say what that one's did; it may say more."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            told
            for key, value in then.items()
            for told in differing(now.get(key), value, f"{place}.{key}")
        ]
    return [] if now == then else [f"{place}: {now!r}, and was {then!r}"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_facts_of_a_release_are_written_as_they_were(folder: Path) -> None:
    for row in log_of(folder):
        payload = bytes.fromhex(row["state"].removeprefix("\\x"))
        assert encode_event(decode_event(row["topic"], payload)) == payload


def test_every_projection_of_a_release_is_here_still() -> None:
    tables = {table.name for each in projections() for table in each.tables}
    for folder in FOLDERS:
        assert set(json.loads((folder / ROWS).read_text())) <= tables
    assert FOLDERS
