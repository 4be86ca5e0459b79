"""Clients while a standby that took over has not been held against the public stream."""

from pathlib import Path

import psycopg

from services.common.clickhouse import ClickHouse
from tests.services.common.log.cable import cable
from tests.waiting import seen
from tests.whole import Whole, running


def run(postgres_url: str, statement: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(statement.encode())


async def parts(whole: Whole) -> tuple[int, str, str]:
    """The status of readiness, of its part `postgresql`, and the metric."""
    answer = await whole.client.get("/_readyz")
    metrics = (await whole.client.get("/metrics")).text.splitlines()
    (shown,) = [line for line in metrics if line.startswith("recount_log_timeline_unverified ")]
    return answer.status_code, answer.json()["parts"]["postgresql"]["status"], shown.split()[1]


async def test_writes_are_refused_and_reads_say_that_they_may_be_behind(
    postgres_url: str, nats_url: str, clickhouse: ClickHouse, server_folder: Path
) -> None:
    engine = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
    async with (
        cable(postgres_url) as (laid, url),
        running(url, nats_url, clickhouse, engine) as whole,
    ):
        made = await whole.create(name="A")
        path = f"{whole.insights}{made['id']}/"
        before = await whole.client.get(path)
        assert "Insights-Stale" not in before.headers
        assert await parts(whole) == (200, "ok", "0.0")
        # A failover, as clients see it: all connections end, and the new ones are elsewhere.
        run(postgres_url, "UPDATE log_state SET timeline = 99")
        laid.cut()
        refused = await whole.client.patch(path, json={"name": "B"})
        assert (refused.status_code, refused.json()["code"]) == (503, "log_unverified")
        assert int(refused.headers["Retry-After"]) > 0

        async def reads() -> tuple[int, str | None]:
            answer = await whole.client.get(path)
            return answer.status_code, answer.headers.get("Insights-Stale")

        # A request meets a dead connection at the most.
        await seen(reads, lambda told: told[0] == 200)
        assert await reads() == (200, "true")
        await seen(lambda: parts(whole), lambda told: told == (200, "degraded", "1.0"))
        run(postgres_url, "UPDATE log_state SET timeline = log_timeline()")
        await seen(reads, lambda told: told == (200, None))
        assert (await whole.client.patch(path, json={"name": "B"})).status_code == 200
        await seen(lambda: parts(whole), lambda told: told == (200, "ok", "0.0"))
