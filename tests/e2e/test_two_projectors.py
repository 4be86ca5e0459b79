"""Two projectors as processes share the buckets: one is frozen, thaws, and the other is killed."""

import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from tests import servers
from tests.e2e.deployment import Urls, started
from tests.e2e.test_separate_processes import first_key, made_project
from tests.shards import shard
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

LEASES = {"RECOUNT_PROJECTOR_LEASE_SECONDS": "3"}
HOLDERS = """
    SELECT count(DISTINCT holder), count(*) FROM ingest_leases
    WHERE until > now() AND stream LIKE 'CAPTURE%'"""


class Shop(msgspec.Struct, frozen=True):
    """Projects of one command service. sent: (project, uuid) of every event it has taken."""

    url: str
    projects: Sequence[dict[str, Any]]
    sent: list[tuple[int, str]]

    def captures(self, count: int = 5) -> list[str]:
        """Some events of each project, all taken; where they are visible."""
        positions = []
        for project in self.projects:
            uuids = [str(uuid4()) for _ in range(count)]
            batch = [{"event": "opened", "distinct_id": "ann", "uuid": each} for each in uuids]
            body = {"api_key": project["api_token"], "batch": batch}
            taken = httpx.post(f"{self.url}/batch/", json=body, timeout=60)
            assert taken.status_code == 200, taken.text
            self.sent.extend((project["id"], each) for each in uuids)
            positions.append(taken.headers["Ingest-Position"])
        return positions

    def sees(self, positions: Sequence[str]) -> None:
        """Returns once they are visible."""
        for position in positions:
            until(partial(self._reached, position), f"{position} is visible", 120)

    def _reached(self, position: str) -> bool:
        asked = {"reach": position, "wait": "5"}
        answer = httpx.get(f"{self.url}/i/position", params=asked, timeout=60)
        return bool(answer.json()["reached"])


def shared(database: str, processes: int) -> None:
    """Returns once so many processes hold all sixteen buckets."""

    def look() -> bool:
        with psycopg.connect(database) as conn:
            return conn.execute(HOLDERS).fetchone() == (processes, 16)

    until(look, f"{processes} share the buckets", 120)


async def test_killed_and_frozen_projectors_lose_and_double_nothing(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    with (
        servers.server_folder() as folder,
        servers.nats_server(folder) as bus,
        shard(tmp_path / "shard") as stored,
    ):
        urls = Urls(empty_postgres_url, bus.url, stored.replicas[0].url)
        with started(["command", "projector", "projector 2"], urls, LEASES) as running:
            first_key(urls)
            projects = [made_project(urls) for _ in range(3)]
            shop = Shop(running["command"].url, projects, [])
            shared(empty_postgres_url, 2)
            shop.sees(shop.captures())

            frozen = running["projector 2"].process
            frozen.send_signal(signal.SIGSTOP)
            try:
                shop.sees(shop.captures())
                shared(empty_postgres_url, 1)
            finally:
                frozen.send_signal(signal.SIGCONT)
            shared(empty_postgres_url, 2)

            waiting = shop.captures()
            running["projector"].process.kill()
            shop.sees([*waiting, *shop.captures()])
            shared(empty_postgres_url, 1)

        async with await ClickHouse.open(stored.replicas[0].url) as clickhouse:
            rows = await clickhouse.query(
                Statement("SELECT team_id, toString(uuid) FROM events ORDER BY ALL", {})
            )
            assert rows == sorted(shop.sent)
            buckets = await clickhouse.query(
                Statement("SELECT count(DISTINCT bucket), count(DISTINCT team_id) FROM events", {})
            )
            assert buckets == [(3, 3)]
