"""`recount setup` and `recount buckets`, as an operator runs them."""

import asyncio
import json
import subprocess

import psycopg
import pytest

from services.common.postgres.buckets import BucketsAreFixed, make_buckets
from services.common.postgres.database import pool
from tests.embedded.recount_process import RECOUNT, environment


def recount(postgres_url: str, nats_url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    settings = {
        **environment(),
        "RECOUNT_EMBEDDED_POSTGRES_URL": postgres_url,
        "RECOUNT_EMBEDDED_NATS_URL": nats_url,
    }
    return subprocess.run(
        [*RECOUNT, *words], env=settings, capture_output=True, text=True, check=False
    )


def test_the_buckets_are_chosen_once(postgres_url: str, nats_url: str) -> None:
    made = recount(postgres_url, nats_url, "setup", "--buckets", "4", "--shards", "2", "--json")
    told = json.loads(made.stdout)
    assert (told["buckets"], told["key"]["key"][:4]) == (4, "phx_"), made.stderr
    refused = recount(postgres_url, nats_url, "setup", "--buckets", "16")
    assert refused.returncode == 1
    assert "has 4 buckets" in refused.stderr
    assert "can't become 16" in refused.stderr
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("INSERT INTO ingest_progress (stream, bucket, reached) VALUES (%s, 3, 7)",
                     ("CAPTURE_03",))  # fmt: skip
    listed = json.loads(recount(postgres_url, nats_url, "buckets", "--json").stdout)
    assert [(one["bucket"], one["shard"], one["projects"]) for one in listed] == [
        (0, 1, 1), (1, 2, 0), (2, 1, 0), (3, 2, 0),
    ]  # fmt: skip
    assert listed[3] == {
        "bucket": 3, "shard": 2, "stream": "CAPTURE_03", "projects": 0, "reached": 7,
        "behind": 0, "holder": None,
    }  # fmt: skip


@pytest.mark.parametrize(("wanted", "made"), [(None, 16), (1, 1), (100, 100)])
def test_a_deployment_without_projects_gets_what_it_wants(
    postgres_url: str, wanted: int | None, made: int
) -> None:
    async def make() -> list[int]:
        async with pool(postgres_url) as connections:
            return [await make_buckets(connections, each) for each in (3, wanted)]

    assert asyncio.run(make()) == [3, made]


def test_one_bucket_with_projects_stays_one(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'Ours')")
        conn.execute(
            "INSERT INTO projects (organization_id, name, api_token)"
            " SELECT id, 'Shop', 'phc_x' FROM organizations"
        )

    async def make() -> list[int]:
        async with pool(postgres_url) as connections:
            return [await make_buckets(connections, each) for each in (None, 1, 2)]

    with pytest.raises(BucketsAreFixed, match="has 1 bucket, and projects lie in them"):
        asyncio.run(make())
