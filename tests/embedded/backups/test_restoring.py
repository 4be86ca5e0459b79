"""What a restored engine has beyond PostgreSQL is taken out; the rest stays."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.embedded.backups.restoring import cut_off

pytestmark = pytest.mark.anyio


async def test_what_postgresql_knows_nothing_of_is_taken_out(
    postgres_url: str, clickhouse: ClickHouse
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO ingest_progress (stream, reached, batch_first, batch_last, batch_token)"
            " VALUES ('CAPTURE', 6, 7, 8, gen_random_uuid())"
        )
    sequences = [0, *range(1, 11)]  # 0: an imported one, of no message
    rows: dict[str, Sequence[Any]] = {
        "team_id": [1] * 11,
        "uuid": [uuid4() for _ in sequences],
        "sequence": sequences,
    }
    await clickhouse.insert("event_uuids", rows)
    await clickhouse.insert(
        "events",
        rows
        | {"event": ["e"] * 11, "timestamp": [1_760_000_000_000_000] * 11}
        | {"distinct_id": ["d"] * 11, "person_id": [uuid4()] * 11, "properties": ["{}"] * 11}
        | {"sent": [""] * 11, "inserted_at": [0] * 11},
    )
    await cut_off(postgres_url, clickhouse)
    for table in ("events", "event_uuids"):
        found = await clickhouse.query(
            Statement(f"SELECT sequence FROM {table} ORDER BY sequence", {})
        )
        assert [sequence for (sequence,) in found] == list(range(7)), table
    with psycopg.connect(postgres_url) as conn:
        row = conn.execute("SELECT reached, batch_first, batch_last FROM ingest_progress")
        assert row.fetchone() == (6, None, None)
