"""What is told of each request that showed something, and which requests are told."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from tests.services.query.reads_trail.rows import recorded, rows
from tests.whole import SIGN_UP, Whole


def _told(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


async def test_an_insight_that_was_read_is_told_with_who_and_how(whole: Whole) -> None:
    made = await whole.create(name="A", query=SIGN_UP)
    correlation = str(uuid4())
    answer = await whole.client.get(
        f"{whole.insights}{made['short_id']}/",
        headers={"X-Correlation-Id": correlation, "User-Agent": "curl/8.5.0 (x)"},
    )
    assert answer.status_code == 200
    (row,) = await recorded(whole.pool, 1)
    assert _told(row, "team_id", "actor", "user_id", "surface", "what", "status") == (
        whole.project.id,
        "user",
        whole.ada,
        "api",
        "insight",
        200,
    )
    assert row["items"] == [made["id"]]
    assert _told(row, "refresh", "from_cache", "bytes") == (
        "force_cache",
        None,
        len(answer.content),
    )
    assert str(row["correlation_id"]) == correlation
    assert (row["ip"], row["client"], row["as_of"]) == ("127.0.0.1", None, None)
    assert (len(row["salt"]), len(row["commitment"])) == (16, 32)


async def test_lists_tell_what_they_showed_also_when_they_are_remembered(whole: Whole) -> None:
    numbers = [(await whole.create(name=name))["id"] for name in ("A", "B", "C")]
    for _ in range(3):
        answer = await whole.client.get(f"{whole.insights}?limit=2&order=id")
        assert answer.status_code == 200
    found = await recorded(whole.pool, 3)
    assert [row["items"] for row in found] == [numbers[:2]] * 3
    assert {row["what"] for row in found} == {"insight_list"}


async def test_what_is_refused_is_told_too_but_no_refused_login(whole: Whole) -> None:
    made = await whole.create(name="A")
    path = f"{whole.insights}{made['id']}/"
    narrow = await whole.key("dashboard:read")
    wrong = {"Authorization": "Bearer phx_nobody"}
    foreign = f"/api/projects/{whole.foreign.id}/insights/"
    statuses = [
        (await whole.client.get(path, headers=wrong)).status_code,
        (await whole.client.get(path, headers=narrow)).status_code,
        (await whole.client.get(f"{whole.insights}999/")).status_code,
        (await whole.client.get(f"{whole.insights}?limit=x&order=nothing&as_of=9")).status_code,
        (await whole.client.get(foreign)).status_code,
        (await whole.client.get("/api/projects/987654/insights/")).status_code,
    ]
    assert statuses == [401, 403, 404, 400, 403, 404]
    found = await recorded(whole.pool, 4)
    assert [_told(row, "team_id", "status", "items") for row in found] == [
        (whole.project.id, 403, [made["id"]]),
        (whole.project.id, 404, [999]),
        (whole.project.id, 400, []),
        (whole.foreign.id, 403, []),
    ]


async def test_nothing_is_told_of_what_shows_nothing_of_a_project(whole: Whole) -> None:
    for path in ("/_livez", "/_readyz", "/api/schema/", "/api/users/@me/", "/metrics"):
        await whole.client.get(path)
    made = await whole.create(name="A")
    await whole.client.patch(f"{whole.insights}{made['id']}/", json={"name": "B"})
    await whole.client.post(f"{whole.insights}cancel/", json={"client_query_id": "x"})
    assert (await whole.client.get(f"{whole.insights}{made['id']}/")).status_code == 200
    (row,) = await recorded(whole.pool, 1)
    assert row["what"] == "insight"
    await asyncio.sleep(0.3)
    assert len(await rows(whole.pool)) == 1


async def test_computations_csv_and_heads(whole: Whole) -> None:
    made = await whole.create(name="A", query=SIGN_UP)
    path = f"{whole.insights}{made['id']}/"
    funnel = {"events": [{"id": "signed_up"}, {"id": "paid"}]}
    answers: list[httpx.Response] = [
        await whole.client.post(f"{whole.insights}funnel/", json=funnel),
        await whole.client.post(f"{whole.insights}funnel/", json=funnel),
        await whole.client.post(f"{whole.root}query/", json={"query": SIGN_UP["source"]}),
        await whole.client.get(f"{path}?format=csv&refresh=blocking"),
        await whole.client.head(path),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    found = await recorded(whole.pool, 5)
    assert [_told(row, "what", "surface", "refresh", "from_cache", "bytes") for row in found] == [
        ("funnel", "api", "blocking", False, len(answers[0].content)),
        ("funnel", "api", "blocking", True, len(answers[1].content)),
        ("query", "api", "blocking", False, len(answers[2].content)),
        ("insight", "export", "blocking", True, len(answers[3].content)),
        ("insight", "api", "force_cache", True, 0),
    ]


async def test_a_dashboard_tells_the_insights_on_it(whole: Whole) -> None:
    board = (await whole.client.post(f"{whole.root}dashboards/", json={"name": "D"})).json()
    made = await whole.create(name="A", dashboards=[board["id"]])
    assert (await whole.client.get(f"{whole.root}dashboards/{board['id']}/")).status_code == 200
    assert (await whole.client.get(f"{whole.root}dashboards/")).status_code == 200
    found = await recorded(whole.pool, 2)
    assert [_told(row, "what", "items", "insights") for row in found] == [
        ("dashboard", [board["id"]], [made["id"]]),
        ("dashboard_list", [board["id"]], [made["id"]]),
    ]
