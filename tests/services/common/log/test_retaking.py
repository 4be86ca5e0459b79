"""Numbers that entries have are given to nobody else once those are put back."""

from pathlib import Path
from uuid import UUID

import psycopg
from msgspec import Raw
from psycopg.rows import TupleRow

from contracts.chain import Entry
from services.common.log.judging import DAWN
from services.common.log.retaking import take_again
from tests.contracts.test_undoable import CORPUS

ACTOR = Raw(b'{"type":"user","user_id":70}')
SEQUENCES = {
    "insight_ids", "dashboard_ids", "tile_ids", "share_tokens", "share_passwords", "users",
    "projects", "webhook_secrets", "bus_passwords", "action_ids", "cohort_ids", "webhook_ids",
}  # fmt: skip


def entry(file: Path, team_id: int = 90) -> Entry:
    """A sample fact of the corpus in a stream of its kind, whose number is 50."""
    kind = file.stem.partition(".")[0]
    return Entry(
        position=1,
        stream_id=UUID(int=1),
        subject=f"{kind}/50",
        version=1,
        name=file.stem,
        team_id=team_id,
        team_seq=1,
        at=DAWN,
        actor=ACTOR,
        operation_id=UUID(int=2),
        correlation_id=UUID(int=2),
        causation_id=None,
        event=Raw(file.read_bytes().strip()),
        salt=b"",
        commitment=b"",
        previous=b"",
        hash=b"",
    )


async def last(conn: psycopg.AsyncConnection[TupleRow], of: str, column: str = "id") -> int:
    name = of if of == "tile_ids" else f"{of}_{column}_seq"
    row = await (await conn.execute(f"SELECT last_value FROM {name}".encode())).fetchone()
    assert row is not None
    return int(row[0])


async def test_every_fact_has_its_numbers_taken_and_none_twice(postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        # One that is ahead stays there.
        await conn.execute("SELECT setval('tile_ids', 1000000)")
        for _ in range(2):
            await take_again(conn, [entry(file) for file in CORPUS])
        await take_again(conn, [entry(CORPUS[0], team_id=-40)])
        found = {name: await last(conn, name) for name in SEQUENCES}
        chain = await last(conn, "organizations", "chain")
    assert chain == -40
    assert found["tile_ids"] == 1000000
    assert found["projects"] >= 90
    assert found["users"] >= 70
    ours = {"insight_ids", "dashboard_ids", "action_ids", "cohort_ids", "webhook_ids"}
    assert {found[name] for name in ours} == {50}
    assert min(found.values()) > 1
