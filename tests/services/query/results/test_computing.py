"""Funnels over HTTP: computed once, cached, run as jobs, cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

import pytest

from services.common.clickhouse.statement import Statement
from services.query.results import cache
from tests.waiting import seen
from tests.whole import Whole

SIGN_UP = {"events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}]}
NODE = {
    "kind": "FunnelsQuery",
    "series": [
        {"kind": "EventsNode", "event": "signed_up"},
        {"kind": "EventsNode", "event": "paid"},
    ],
}


@pytest.fixture
def engine(whole: Whole) -> Whole:
    """As far as these tests are concerned."""
    return whole


def ago(**delta: float) -> datetime:
    return datetime.now(UTC) - timedelta(**delta)


async def status_of(engine: Whole, path: str) -> Any:
    return (await engine.client.get(path)).json()["query_status"]


async def sleepers(engine: Whole) -> int:
    """Queries that sleep in the engine, this one left out."""
    processes = "SELECT count() FROM system.processes WHERE query LIKE '%sleepEach%'"
    rows = await engine.clickhouse.query(Statement(processes, {}))
    return int(rows[0][0]) - 1


async def sign_ups(engine: Whole) -> None:
    """Three signed up, two of them paid, one and three hours later."""
    await engine.happened(
        ("signed_up", "ada", ago(hours=10)),
        ("paid", "ada", ago(hours=9)),
        ("signed_up", "bob", ago(hours=8)),
        ("signed_up", "cy", ago(hours=8)),
        ("paid", "cy", ago(hours=5)),
    )


async def funnel(engine: Whole, **filters: Any) -> dict[str, Any]:
    answer = await engine.client.post(f"{engine.root}insights/funnel/", json={**SIGN_UP, **filters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_funnel_counts_who_came_how_far(engine: Whole) -> None:
    await sign_ups(engine)
    answer = await funnel(engine)
    assert [step["count"] for step in answer["result"]] == [3, 2]
    assert answer["result"][1]["average_conversion_time"] == pytest.approx(7200, abs=1)
    assert (answer["is_cached"], answer["timezone"]) == (False, "UTC")


async def test_the_query_string_asks_the_same(engine: Whole) -> None:
    await sign_ups(engine)
    answer = await engine.client.get(
        f"{engine.root}insights/funnel/",
        params={"events": '[{"id":"signed_up","order":0},{"id":"paid","order":1}]'},
    )
    assert [step["count"] for step in answer.json()["result"]] == [3, 2]


async def test_the_second_to_ask_gets_the_first_ones_answer_unless_it_insists(
    engine: Whole,
) -> None:
    first = await funnel(engine)
    await sign_ups(engine)
    second = await funnel(engine)
    third = await funnel(engine, refresh=True)
    assert (second["is_cached"], second["last_refresh"]) == (True, first["last_refresh"])
    assert [step["count"] for step in second["result"]] == [0, 0]
    assert (third["is_cached"], [step["count"] for step in third["result"]]) == (False, [3, 2])


async def test_however_many_ask_it_is_computed_once(engine: Whole) -> None:
    await sign_ups(engine)
    answers = await asyncio.gather(*(funnel(engine) for _ in range(12)))
    assert {answer["last_refresh"] for answer in answers} == {answers[0]["last_refresh"]}
    async with engine.pool.connection() as conn:
        (jobs,) = await (await conn.execute("SELECT count(*) FROM jobs")).fetchone() or (0,)
    assert jobs == 1


async def test_a_pattern_that_is_too_large_is_the_callers_mistake(
    engine: Whole,
) -> None:
    await sign_ups(engine)
    pattern = "((a{100}){100}){100}"
    filters = {"key": "plan", "value": pattern, "operator": "regex", "type": "event"}
    await engine.happened(("signed_up", "dot", ago(hours=1)), plan="a")
    for path, body in (
        ("insights/funnel/", {**SIGN_UP, "properties": [filters]}),
        ("persons/funnel/", {**SIGN_UP, "properties": [filters], "funnel_step": 1}),
    ):
        answer = await engine.client.post(f"{engine.root}{path}", json=body)
        assert answer.status_code == 400
        assert answer.json() == {
            "type": "validation_error",
            "code": "invalid_input",
            "detail": f"Invalid regular expression '{pattern}': invalid repetition size: {{100}}.",
            "attr": "properties",
        }


async def test_a_node_answers_with_results(engine: Whole) -> None:
    await sign_ups(engine)
    answer = await engine.client.post(f"{engine.root}query/", json={"query": NODE})
    body = answer.json()
    assert [step["count"] for step in body["results"]] == [3, 2]
    assert body["total_median_conversion_time"] == pytest.approx(7200, abs=1)
    wrapped = {"kind": "InsightVizNode", "source": {**NODE, "interval": None}}
    again = await engine.client.post(f"{engine.root}query/", json={"query": wrapped})
    assert again.json()["is_cached"] is True


async def test_a_job_is_started_polled_and_leaves_its_result(engine: Whole) -> None:
    await sign_ups(engine)
    started = await engine.client.post(
        f"{engine.root}query/", json={"query": NODE, "refresh": "force_async"}
    )
    status = started.json()["query_status"]
    assert started.status_code == 202
    assert (started.json()["results"], status["query_async"]) == (None, True)
    path = f"{engine.root}query/{status['id']}/"
    polled = await seen(lambda: status_of(engine, path), lambda status: status["complete"])
    assert (polled["error"], [step["count"] for step in polled["results"]]) == (False, [3, 2])
    cached = await engine.client.post(f"{engine.root}query/", json={"query": NODE})
    assert (cached.status_code, cached.json()["is_cached"]) == (200, True)


async def test_a_job_that_is_dropped_while_it_runs_is_run_anew(
    engine: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an erasure drops them: what it was computing may have what was erased."""
    await sign_ups(engine)
    put, dropped = cache.put, 0

    async def after_the_drop(*arguments: Any) -> None:
        nonlocal dropped
        if not dropped:
            async with engine.pool.connection() as conn:
                dropped = (await conn.execute("DELETE FROM jobs")).rowcount
        await put(*arguments)

    monkeypatch.setattr(cache, "put", after_the_drop)
    asking = asyncio.create_task(
        engine.client.post(f"{engine.root}insights/funnel/", json={**SIGN_UP, "refresh": True})
    )

    async def is_dropped() -> int:
        return dropped

    await seen(is_dropped, bool)
    # Whoever waits gets a result that was computed anew.
    answer = await asking
    assert [step["count"] for step in answer.json()["result"]] == [3, 2]
    async with engine.pool.connection() as conn:
        jobs = await (await conn.execute("SELECT count(*) FROM jobs")).fetchone()
        results = await (await conn.execute("SELECT count(*) FROM results")).fetchone()
    assert (jobs, results) == ((1,), (1,))


async def test_a_job_answers_to_the_name_that_its_client_gave_it(engine: Whole) -> None:
    await sign_ups(engine)
    uuid = "b6f7a2c4-8d1e-4f3a-9c55-0a1b2c3d4e5f"
    for days, name in enumerate(("my run", "my run", uuid, uuid), 7):
        node = {**NODE, "dateRange": {"date_from": f"-{days}d"}}
        asked = {"query": node, "refresh": "force_async", "client_query_id": name}
        started = (await engine.client.post(f"{engine.root}query/", json=asked)).json()
        path = f"{engine.root}query/{name}/"
        polled = await seen(partial(status_of, engine, path), itemgetter("complete"))
        assert polled["id"] == started["query_status"]["id"]
        assert [step["count"] for step in polled["results"]] == [3, 2]
    for unknown, deleted in (("my runs", 204), ("x" * 500, 204), ("a%00b", 404)):
        answer = await engine.client.get(f"{engine.root}query/{unknown}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        answer = await engine.client.delete(f"{engine.root}query/{unknown}/")
        assert answer.status_code == deleted


@pytest.mark.parametrize("way", ["POST insights/cancel/", "DELETE query/mine/", "DELETE query/ID/"])
async def test_a_running_query_is_cancelled_by_its_name_or_id(
    engine: Whole, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    # In small blocks: the engine refuses to sleep longer than three seconds over one.
    sleep = "SELECT sum(sleepEachRow(0.1)) FROM numbers(3000) SETTINGS max_block_size = 10"
    endless = Statement(sleep, {})
    monkeypatch.setattr(
        "services.query.insights.funnels.compute.compile_funnel", lambda *_, **__: endless
    )
    asked = asyncio.create_task(
        engine.client.post(
            f"{engine.root}insights/funnel/", json={**SIGN_UP, "client_query_id": "mine"}
        )
    )
    await seen(lambda: sleepers(engine), lambda count: count == 1)
    job = await status_of(engine, f"{engine.root}query/mine/")
    method, path = way.replace("ID", job["id"].upper()).split()
    body = {"client_query_id": "mine"} if method == "POST" else None
    cancelled = await engine.client.request(method, f"{engine.root}{path}", json=body)
    answer = await asked
    assert (cancelled.status_code, cancelled.content) == (201 if body else 204, b"")
    assert (answer.status_code, answer.json()["code"]) == (400, "query_cancelled")
    await seen(lambda: sleepers(engine), lambda count: count == 0)


async def test_more_filters_than_the_engine_reads_are_refused_in_words(engine: Whole) -> None:
    filters = [{"key": f"p{i}", "value": "5", "operator": "gt"} for i in range(5_000)]
    asked = {"events": [{"id": name, "properties": filters} for name in ("a", "b")]}
    answer = await engine.client.post(f"{engine.root}insights/funnel/", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "query_too_large")
    assert "Use fewer of them" in answer.json()["detail"]


async def test_cancelling_needs_a_name_and_minds_no_unknown_one(engine: Whole) -> None:
    path = f"{engine.root}insights/cancel/"
    missing = await engine.client.post(path, json={})
    assert (missing.status_code, missing.json()["attr"]) == (400, "client_query_id")
    assert (await engine.client.post(path, json={"client_query_id": "x"})).status_code == 201


@pytest.mark.parametrize(
    ("filters", "attr"),
    [
        ({"events": []}, None),
        ({"funnel_window_interval": -1}, "funnel_window_interval"),
        ({"date_from": "the other day"}, "date_from"),
        ({"include": "everything"}, "include"),
    ],
)
async def test_what_cannot_be_computed_is_refused_before_it_runs(
    engine: Whole, filters: dict[str, Any], attr: str | None
) -> None:
    answer = await engine.client.post(f"{engine.root}insights/funnel/", json={**SIGN_UP, **filters})
    assert (answer.status_code, answer.json()["type"]) == (400, "validation_error")
    if attr:
        assert answer.json()["attr"] == attr


async def test_a_kind_that_is_not_computed_says_so(engine: Whole) -> None:
    answer = await engine.client.post(
        f"{engine.root}query/", json={"query": {"kind": "PathsQuery"}}
    )
    assert answer.status_code == 400
    assert "cannot be computed here" in answer.json()["detail"]


async def test_a_job_of_another_project_is_not_found(engine: Whole) -> None:
    answer = await engine.client.get(f"{engine.root}query/00000000-0000-4000-8000-000000000000/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Query not found.")
