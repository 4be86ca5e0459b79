"""`recount release`, `recount release finish` and `recount unpark`, as an operator runs them."""

import asyncio
import json
import subprocess
from uuid import uuid4

import psycopg
import pytest

from contracts.events.insight import InsightDeleted
from services.common.log.store import EventStore
from services.common.postgres.releases import SIGN_UP, kinds
from tests.embedded.recount_process import RECOUNT, environment
from tests.services.common.log.appends import append, insight, to

KIND = "insight.tagged.v1"


def recount(url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    settings = {**environment(), "RECOUNT_EMBEDDED_POSTGRES_URL": url}
    return subprocess.run(
        [*RECOUNT, *words], env=settings, capture_output=True, text=True, check=False
    )


def test_an_upgrade_is_looked_at_and_finished(postgres_url: str) -> None:
    older = {"id": uuid4(), "service": "projector", "version": "0.1.0", "tables": 40}
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("DELETE FROM log_writes WHERE kind = %s", (KIND,))
        conn.execute(SIGN_UP, {**older, "kinds": [kind for kind in kinds() if kind != KIND]})
        # Else all is written at once: nobody has to read anything.
        asyncio.run(append_a_fact(postgres_url))

        shown = recount(postgres_url, "release")
        assert f"can't read {KIND}" in shown.stdout, shown.stderr
        assert f"Not written yet: {KIND}" in shown.stdout
        told = json.loads(recount(postgres_url, "release", "--json").stdout)
        assert (told["pending"], told["processes"][0]["tables"]) == ([KIND], 40)

        refused = recount(postgres_url, "release", "finish")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "projector 0.1.0 (tables 40" in refused.stderr

        conn.execute("DELETE FROM processes")
        finished = recount(postgres_url, "release", "finish")
        assert finished.stdout == f"Finished. Written from now on: {KIND}.\n", finished.stderr
        assert "The upgrade is finished" in recount(postgres_url, "release").stdout


async def append_a_fact(url: str) -> None:
    """One that no history begins with."""
    async with EventStore.open(url) as store:
        await store.append(append(to(insight(1), 0, InsightDeleted())))


@pytest.mark.parametrize("parked", [False, True])
def test_unpark_says_what_stays_parked(postgres_url: str, parked: bool) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        if parked:
            asyncio.run(append_a_fact(postgres_url))
            conn.execute("UPDATE checkpoints SET position = 1")
            conn.execute(
                "INSERT INTO parked_streams"
                " SELECT 'insights', originator_id, team_id, 1, topic, 'why' FROM log"
            )
    done = recount(postgres_url, "unpark", "insights")
    assert done.returncode == int(parked), done.stderr
    assert f"insights: 0 streams taken up, {int(parked)} parked" in done.stdout
    assert ("position 1, insight.deleted.v1:" in done.stdout) == parked
