"""Activity by cursor, oldest first and newest first, and by every filter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from contracts.cursors import cursor_text
from contracts.events.access import AccessGranted
from contracts.events.dashboard import DashboardCreated, DashboardRenamed
from contracts.events.insight import InsightDescribed, InsightRenamed, InsightSaved
from contracts.events.recorded import SystemActor, UserActor
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.events.webhook import WebhookCreated, WebhookPaused
from tests.examples import ALICE, BOB, INSIGHT, TEAM, created
from tests.services.projector.projecting import dashboard, insight, viewing
from tests.services.projector.webhooks.delivering import SETTINGS as HOOK
from tests.services.query.reads.reading import BASE, Reading

ALL = "insights/activity/"


async def page(api: Reading, path: str, *, by: str = "alice") -> dict[str, Any]:
    answer = await api.get(path, by=by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Facts-Through"] == found["through"]
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [entry["detail"]["name"] for entry in found["results"]]


async def ten_names(api: Reading) -> None:
    await api.projector.append(created(name="0"))
    for number in range(9):
        await api.projector.append(InsightRenamed(str(number + 1), str(number)))
    await api.projector.catch_up()


async def head(api: Reading) -> str:
    last = (await api.projector.store.project_entries(TEAM, 0, 1_000))[-1]
    return cursor_text(last.team_seq, last.hash)


@pytest.mark.parametrize("path", [ALL, f"insights/{INSIGHT}/activity/"])
async def test_after_a_cursor_entries_come_oldest_first_and_next_never_ends(
    api: Reading, path: str
) -> None:
    await ten_names(api)
    first = await page(api, f"{path}?after=0&limit=4")
    assert names(first) == ["0", "1", "2", "3"]
    assert first["results"][-1]["sequence"] == 4
    assert first["through"].startswith("4-")
    assert "total_count" not in first
    second = await page(api, first["next"].removeprefix(BASE))
    assert names(second) == ["4", "5", "6", "7"]
    third = await page(api, second["next"].removeprefix(BASE))
    assert names(third) == ["8", "9"]
    assert third["through"] == await head(api)
    fourth = await page(api, third["next"].removeprefix(BASE))
    assert (names(fourth), fourth["through"]) == ([], third["through"])
    await api.projector.append(InsightRenamed("10", "9"))
    await api.projector.catch_up()
    assert names(await page(api, fourth["next"].removeprefix(BASE))) == ["10"]


async def test_before_a_cursor_entries_go_back_whatever_is_written(api: Reading) -> None:
    await ten_names(api)
    newest = await page(api, f"{ALL}?before=now&limit=4")
    assert names(newest) == ["9", "8", "7", "6"]
    await api.projector.append(InsightRenamed("10", "9"))
    await api.projector.catch_up()
    older = await page(api, newest["next"].removeprefix(BASE))
    assert names(older) == ["5", "4", "3", "2"]
    last = await page(api, f"{ALL}?before=3")
    assert (names(last), last["next"], last["previous"]) == (["1", "0"], None, None)
    assert last["through"] == await head(api)


async def test_a_reader_moves_on_over_what_its_filters_leave_out(api: Reading) -> None:
    await ten_names(api)
    found = await page(api, f"{ALL}?after=0&user=99")
    assert (found["results"], found["through"]) == ([], await head(api))
    assert found["next"] == f"{BASE}/api/projects/1/{ALL}?user=99&after={found['through']}"


@pytest.mark.parametrize(
    ("query", "attr", "status"),
    [
        ("after=x", "after", 400),
        ("before=x", "before", 400),
        ("after=1&before=2", "before", 400),
        ("after=1&page=2", "page", 400),
        ("before=1&page=2", "page", 400),
        ("after=1&wait=x", "wait", 400),
        ("after=99", "after", 409),
        ("after=1-0000000000000000", "after", 409),
        ("scope=Funnel", "scope", 400),
        ("scopes=Insight,Funnel", "scopes", 400),
        ("user=alice", "user", 400),
        ("activity=renamed", "activity", 400),
        ("operation_id=7", "operation_id", 400),
        ("from=yesterday", "from", 400),
        ("to=2026-11-30T20:41:52", "to", 400),
    ],
)
async def test_what_can_not_be_meant_is_refused_by_name(
    api: Reading, query: str, attr: str, status: int
) -> None:
    await api.projector.append(created())
    await api.projector.catch_up()
    answer = await api.get(f"{ALL}?{query}")
    assert (answer.status_code, answer.json()["attr"]) == (status, attr)


@asynccontextmanager
async def later(api: Reading) -> AsyncIterator[asyncio.Event]:
    """Something is written once the event is set."""
    go = asyncio.Event()

    async def write() -> None:
        await go.wait()
        await api.projector.append(InsightRenamed("Late", None))
        await api.projector.catch_up()

    task = asyncio.create_task(write())
    yield go
    await task


async def test_who_waits_is_answered_by_the_first_entry(api: Reading) -> None:
    await ten_names(api)
    async with later(api) as go:
        waiting = asyncio.create_task(page(api, f"{ALL}?after=10&wait=30"))
        go.set()
        assert names(await waiting) == ["Late"]
    assert names(await page(api, f"{ALL}?after=now&wait=0.05")) == []


async def some_of_everything(api: Reading) -> list[str]:
    """Names the operations."""
    append, made = api.projector.append, []
    for events, of, actor in (
        ([created(name="A")], insight(), UserActor(1, "key-1")),
        ([InsightRenamed("B", "A"), InsightSaved()], insight(), BOB),
        ([created(insight_id=8, short_id="second00", name="C")], insight(8), ALICE),
        ([DashboardCreated(3, "Growth")], dashboard(), ALICE),
        ([DashboardRenamed("Board", "Growth")], dashboard(), BOB),
        ([WebhookCreated(3, HOOK, after=0, secret_id=1, public_key="")], hook(), ALICE),
        ([WebhookPaused()], hook(), SystemActor()),
        ([AccessGranted(None, None, "viewer", None)], rules(0), ALICE),
        ([InsightViewed(INSIGHT, 2)], viewing(2), BOB),
    ):
        facts = await append(*events, of=of, actor=actor)
        made.append(str(facts[0].operation_id))
    await api.projector.catch_up()
    return made


def hook() -> Stream[Any]:
    return Stream(StreamKind.WEBHOOK, TEAM, 3)


def rules(number: int) -> Stream[Any]:
    return Stream(StreamKind.ACCESS, TEAM, number)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", ["created A", "updated B", "created C"]),
        ("all=true", ["created A", "updated B", "created C", "viewed B"]),
        ("scope=Dashboard", ["created Growth", "updated Board"]),
        ("scopes=Dashboard,Insight&user=2", ["updated B", "updated Board"]),
        ("scope=Insight&scopes=Dashboard", []),
        ("scopes=Insight,Dashboard&item_id=3", ["created Growth", "updated Board"]),
        ("item_id=8", ["created C"]),
        ("scope=Webhook&item_id=wh_3", [f"created {HOOK.host}", f"paused {HOOK.host}"]),
        ("scope=Team", ["access changed None"]),
        ("user=2", ["updated B"]),
        ("key_id=key-1", ["created A"]),
        ("activity=created", ["created A", "created C"]),
        ("field=name", ["updated B"]),
        ("field=saved", []),
        ("field=saved&all=true", ["updated B"]),
    ],
)
async def test_each_filter_leaves_its_entries(api: Reading, query: str, told: list[str]) -> None:
    await some_of_everything(api)
    told = [each.replace(HOOK.host, HOOK.description or HOOK.host) for each in told]
    for path in (f"{ALL}?after=0&{query}", f"{ALL}?{query}", f"{ALL}?before=now&{query}"):
        found = await page(api, path)
        entries = found["results"] if "after" in path else found["results"][::-1]
        assert [f"{each['activity']} {each['detail']['name']}" for each in entries] == told
        if "total_count" in found:
            assert found["total_count"] == len(told)


async def test_entries_of_an_operation_and_of_a_span_of_time(api: Reading) -> None:
    _, second, *_ = await some_of_everything(api)
    found = await page(api, f"{ALL}?operation_id={second}")
    assert [each["operation_id"] for each in found["results"]] == [second]
    assert (await page(api, f"{ALL}?operation_id={uuid4()}"))["results"] == []
    third, at, first = (each["created_at"] for each in (await page(api, ALL))["results"])
    assert names(await page(api, f"{ALL}?from={at}")) == ["C", "B"]
    assert names(await page(api, f"{ALL}?from={at}&to={third}")) == ["B"]
    assert names(await page(api, f"{ALL}?to={at}")) == ["A"]
    assert first < at < third


async def test_what_a_member_may_not_see_is_in_no_page_count_or_cursor(api: Reading) -> None:
    await some_of_everything(api)
    await api.projector.append(AccessGranted(8, None, "none", None), of=rules(8))
    await api.projector.append(InsightDescribed("Why", None), of=insight(8))
    await api.projector.catch_up()
    query = "scopes=Insight,Dashboard,Webhook,Team&all=true"
    seen = await page(api, f"{ALL}?{query}", by="bob")
    told = [(each["scope"], each["item_id"]) for each in seen["results"][::-1]]
    assert told == [
        ("Insight", "7"),
        ("Insight", "7"),
        ("Dashboard", "3"),
        ("Dashboard", "3"),
        ("Team", "1"),
        ("Insight", "7"),
    ]
    assert seen["total_count"] == 6
    walked, url = [], f"{ALL}?after=0&limit=1&{query}"
    while (found := await page(api, url, by="bob"))["results"]:
        walked += [(each["scope"], each["item_id"]) for each in found["results"]]
        url = found["next"].removeprefix(BASE)
    assert walked == told
    assert (await page(api, f"{ALL}?{query}"))["total_count"] == 11


async def test_a_table_says_how_far_it_goes(api: Reading) -> None:
    await ten_names(api)
    await api.projector.append(InsightSaved(), of=insight())
    answer = await api.get(f"{ALL}?after=0&limit=2&format=csv")
    assert answer.status_code == 200
    assert answer.headers["Facts-Through"].startswith("2-")
    assert answer.text.count("\r\n") == 3


async def test_the_past_can_be_read_by_cursor(api: Reading) -> None:
    await ten_names(api)
    found = await page(api, f"{ALL}?after=7&as_of=s9")
    assert (names(found), found["through"].partition("-")[0]) == (["7", "8"], "9")
