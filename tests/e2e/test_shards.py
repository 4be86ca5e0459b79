"""The query service by itself on two shards: each project on its own, answers as those of the
engine in one process, and a shard that is away takes its projects' answers with it and no other.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from services.common.clickhouse import ClickHouse, Shards
from tests.e2e.deployment import Urls, started
from tests.e2e.test_separate_processes import asked, first_key, made_project
from tests.funnels.engine import store
from tests.funnels.stories import END, START, parse
from tests.funnels.test_hard_cases import CASES
from tests.shards import Fault, Shard, shards, url_of
from tests.whole import running as embedded

pytestmark = pytest.mark.anyio

Asking = Callable[[str, Any], Awaitable[httpx.Response]]

# What random funnels once found wrong, and people of whom one goes all the way and one does not.
HISTORIES = [history for _, history, _ in CASES] + [
    "A0=x B1=x C2=x D3=x",
    "A0=y C1 B2=x X3 D4",
    "B0 A1=x A2=y B3=y D4",
]
EVERYBODY = [(UUID(int=n), tuple(parse(text))) for n, text in enumerate(HISTORIES, start=1)]


def query(
    steps: str, order: str, viz: str, *, breakdown: bool, optional: bool, excluded: bool
) -> dict[str, Any]:
    series = [
        {"kind": "EventsNode", "event": step, "optionalInFunnel": optional and place == 1}
        for place, step in enumerate(steps.split())
    ]
    exclusion = {"kind": "EventsNode", "event": "X", "funnelFromStep": 0, "funnelToStep": 2}
    node: dict[str, Any] = {
        "kind": "FunnelsQuery",
        "series": series,
        "dateRange": {"date_from": START.isoformat(), "date_to": END.isoformat()},
        "funnelsFilter": {
            "funnelOrderType": order,
            "funnelVizType": viz,
            "funnelWindowInterval": 10,
            "funnelWindowIntervalUnit": "second",
            "exclusions": [exclusion] if excluded else [],
        },
    }
    if breakdown:
        node["breakdownFilter"] = {"breakdown": "plan", "breakdown_type": "event"}
    return node


ORDERS, VIEWS = ("ordered", "strict", "unordered"), ("steps", "trends", "time_to_convert")


def queries(orders: Sequence[str], views: Sequence[str]) -> list[dict[str, Any]]:
    return [
        query(
            "A B D" if breakdown else "A B C",
            order,
            view,
            breakdown=breakdown,
            optional=view == "steps" and order != "unordered",
            excluded=breakdown,
        )
        for order, view, breakdown in product(orders, views, (True, False))
    ]


# One of each view; all of them under the other marker.
FEW = [
    queries(("ordered",), ("steps",))[0],
    queries(("strict",), ("trends",))[0],
    queries(("unordered",), ("time_to_convert",))[1],
]


LATER = [query("A C", "ordered", "steps", breakdown=True, optional=False, excluded=False)]


async def results(ask: Asking, asked: Sequence[dict[str, Any]]) -> list[Any]:
    """Of all; what is asked for the first time is computed."""
    found = []
    for one in asked:
        answer = await ask("query/", {"query": one, "refresh": "force_blocking"})
        assert answer.status_code == httpx.codes.OK, (one, answer.text)
        found.append(answer.json()["results"])
    return found


def statements(shard: Shard) -> int:
    return sum(replica.statements() for replica in shard.replicas)


def placed(postgres_url: str, team_id: int, bucket: int, shard: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "INSERT INTO bucket_shards (bucket, shard) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (bucket, shard),
        )
        connection.execute("UPDATE projects SET bucket = %s WHERE id = %s", (bucket, team_id))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "each",
    [
        pytest.param(FEW, id="few"),
        pytest.param(queries(ORDERS, VIEWS), id="all", marks=pytest.mark.fuzz),
    ],
)
async def test_two_shards_answer_as_one_engine_and_one_may_be_away(
    each: list[dict[str, Any]],
    empty_postgres_url: str,
    postgres_url: str,
    nats_url: str,
    clickhouse: ClickHouse,
    server_folder: Path,
    tmp_path: Path,
) -> None:
    engine = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
    async with embedded(postgres_url, nats_url, clickhouse, engine) as whole:
        await store(clickhouse, whole.project.id, EVERYBODY)

        async def in_process(path: str, body: Any) -> httpx.Response:
            return await whole.client.post(f"{whole.root}{path}", json=body)

        expected = await results(in_process, each)
        later = await results(in_process, LATER)

    with shards(tmp_path, 2) as both:
        url = f"{url_of(both)}?durable=0"
        urls = Urls(empty_postgres_url, "nats://nowhere", url)
        with started(["query"], urls) as running:
            service = running["query"].url
            key = {"Authorization": f"Bearer {first_key(urls)}"}
            teams = [made_project(urls)["id"] for _ in both]

            def asking(team_id: int) -> Asking:
                async def ask(path: str, body: Any) -> httpx.Response:
                    there = f"{service}/api/projects/{team_id}/{path}"
                    return await asked("POST", there, headers=key, json=body)

                return ask

            async with await Shards.open(url) as opened:
                for number, team_id in enumerate(teams, start=1):
                    placed(empty_postgres_url, team_id, number - 1, number)
                    await store(opened.numbered(number), team_id, EVERYBODY)

            for here, other, team_id in zip(both, reversed(both), teams, strict=True):
                before = statements(here), statements(other)
                assert await results(asking(team_id), each) == expected
                assert statements(here) >= before[0] + len(each)
                assert statements(other) == before[1]

            # What has been computed is known, so something else is asked.
            both[1].turn(Fault.AWAY)
            anew = {"query": LATER[0], "refresh": "force_blocking"}
            refused = await asking(teams[1])("query/", anew)
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE, refused.text
            assert refused.json()["code"] == "unavailable"
            assert int(refused.headers["Retry-After"]) > 0
            assert await results(asking(teams[0]), LATER) == later
            ready = (await asked("GET", f"{service}/_readyz")).json()["parts"]
            assert ready["clickhouse 1"]["status"] == "ok"
            assert ready["clickhouse 2"]["status"] == "degraded"

            both[1].turn(Fault.NONE)
            assert await results(asking(teams[1]), LATER) == later
