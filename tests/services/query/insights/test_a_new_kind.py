"""A kind of insight is a folder and two rows: a toy kind, all of it here, does what funnels do."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from contracts.queries import kinds as nodes
from contracts.queries.kinds import QueryKind
from contracts.queries.nodes import Node
from services.common.accounts.accounts import Project
from services.common.clickhouse.statement import Statement
from services.common.insights.results import marks
from services.common.insights.results.kept import Result
from services.query.insights import kinds as computed
from services.query.insights.charts import BinBar, BinsChart, Chart
from services.query.insights.computed import ComputedKind, Tools
from services.query.results.computation import Computation, Inputs, PreparedComputation, Range
from tests.services.query.results.test_computing import ago
from tests.waiting import seen
from tests.whole import Whole

# The toy's folder


class EventCountQuery(Node, frozen=True, kw_only=True, tag_field="kind", tag="EventCountQuery"):
    """How many events have a name. slow: waits in the engine first."""

    event: str
    slow: bool = False


COUNT = "SELECT count() FROM events WHERE team_id = {team_id:Int64} AND event = {event:String}"
# In small blocks: the engine refuses to sleep longer than three seconds over one.
SLEEP = "SELECT sum(sleepEachRow(0.1)) FROM numbers(3000) SETTINGS max_block_size = 10"
runs = 0
plans = 0


class EventCount(msgspec.Struct, frozen=True):
    tools: Tools
    team_id: int
    query: EventCountQuery

    async def run(self, query_id: str) -> Result:
        global runs  # what the tests count
        runs += 1
        asked = Statement(COUNT, {"team_id": self.team_id, "event": self.query.event})
        statement = Statement(SLEEP, {}) if self.query.slow else asked
        clickhouse = await self.tools.shards.of(self.team_id)
        ((count,),) = await clickhouse.query(statement, query_id=query_id)
        row = {"event": self.query.event, "count": count}
        return Result(results=Raw(msgspec.json.encode([row])), hogql="COUNT events")


async def prepare(
    tools: Tools, project: Project, computation: Computation[EventCountQuery]
) -> PreparedComputation:
    global plans  # what the tests count
    plans += 1
    reads = Inputs(
        events=frozenset({marks.of_event(computation.query.event)}),
        since=None,
        until=None,
        records=frozenset(),
    )
    return PreparedComputation(
        settings=project.settings,
        dependencies=b"",
        clock=b"",
        range=Range(None, None, None),
        inputs=reads,
        work=EventCount(tools, project.id, computation.query),
    )


def chart(result: Raw) -> Chart | None:
    rows = msgspec.json.decode(result)
    bins = tuple(BinBar(row["event"], row["count"], 0, 0, 10, 10) for row in rows or ())
    return BinsChart(bins, "", "") if bins else None


# Its two rows


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    named = QueryKind(
        name="EventCountQuery", node=EventCountQuery, has_result=True, listed="EVENT_COUNT"
    )
    monkeypatch.setitem(nodes.KINDS, named.name, named)
    row = ComputedKind(node=EventCountQuery, prepare=prepare, chart=chart)
    monkeypatch.setitem(computed.KINDS, EventCountQuery, row)  # type: ignore[misc]  # its key is a type


QUERY = {"kind": "EventCountQuery", "event": "signed_up"}
VIZ = {"kind": "InsightVizNode", "source": QUERY}
COUNTED = [{"event": "signed_up", "count": 2}]


@pytest.fixture
async def toy(whole: Whole) -> Whole:
    """Two events of the name that QUERY counts, and one of another."""
    await whole.happened(
        ("signed_up", "ada", ago(hours=3)),
        ("signed_up", "bob", ago(hours=2)),
        ("paid", "bob", ago(hours=1)),
    )
    return whole


async def read(toy: Whole, insight: dict[str, Any], **asked: str) -> dict[str, Any]:
    answer = await toy.client.get(f"{toy.insights}{insight['id']}/", params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_it_is_stored_checked_and_listed(toy: Whole) -> None:
    made = await toy.create(name="Sign-ups", query=VIZ)
    wrong = {"kind": "InsightVizNode", "source": QUERY | {"evnt": "x"}}
    refused = await toy.client.post(toy.insights, json={"query": wrong})
    assert (refused.status_code, refused.json()["attr"]) == (400, "query__source__evnt")
    assert "Did you mean event?" in refused.json()["detail"]
    listed = await toy.client.get(toy.insights, params={"insight": "EVENT_COUNT"})
    assert [each["id"] for each in listed.json()["results"]] == [made["id"]]
    funnels = await toy.client.get(toy.insights, params={"insight": "FUNNELS"})
    assert funnels.json()["results"] == []


async def test_every_refresh_mode_computes_it_or_does_not(toy: Whole) -> None:
    made = await toy.create(query=VIZ)
    assert (await read(toy, made, refresh="force_cache"))["result"] is None
    started = await read(toy, made, refresh="async")
    assert started["query_status"]["complete"] is False

    async def kept() -> bool:
        return bool((await read(toy, made, refresh="force_cache"))["result"] == COUNTED)

    await seen(kept, bool)
    for mode in ("blocking", "lazy_async", "async", "async_except_on_cache_miss"):
        again = await read(toy, made, refresh=mode)
        assert (mode, again["result"], again["is_cached"]) == (mode, COUNTED, True)
    forced = await read(toy, await toy.create(query=VIZ), refresh="force_blocking")
    assert forced["result"] == COUNTED
    missed = await toy.create(query={"kind": "InsightVizNode", "source": QUERY | {"event": "paid"}})
    computed_now = await read(toy, missed, refresh="async_except_on_cache_miss")
    assert computed_now["result"] == [{"event": "paid", "count": 1}]


async def test_a_blocking_read_plans_once_and_a_repeat_computes_nothing(toy: Whole) -> None:
    planned, ran = plans, runs
    sent = {"query": QUERY | {"event": "paid"}, "refresh": "blocking"}
    first = (await toy.client.post(f"{toy.root}query/", json=sent)).json()
    assert (first["results"], first["is_cached"]) == ([{"event": "paid", "count": 1}], False)
    assert (plans - planned, runs - ran) == (1, 1)
    again = (await toy.client.post(f"{toy.root}query/", json=sent)).json()
    assert (again["results"], again["is_cached"]) == (first["results"], True)
    assert (plans - planned, runs - ran) == (2, 1)


async def test_its_job_is_polled_and_cancelled(toy: Whole) -> None:
    sent = {"query": QUERY, "refresh": "async", "client_query_id": "mine"}
    assert (await toy.client.post(f"{toy.root}query/", json=sent)).status_code == 202

    async def complete() -> bool:
        polled = (await toy.client.get(f"{toy.root}query/mine/")).json()["query_status"]
        return bool(polled["complete"]) and polled["results"] == COUNTED

    await seen(complete, bool)
    slow = {"query": QUERY | {"slow": True}, "refresh": "blocking", "client_query_id": "slow"}
    waiting = asyncio.create_task(toy.client.post(f"{toy.root}query/", json=slow))

    async def there() -> bool:
        return (await toy.client.get(f"{toy.root}query/slow/")).status_code == 200

    await seen(there, bool)
    assert (await toy.client.delete(f"{toy.root}query/slow/")).status_code == 204
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (400, "query_cancelled")


async def test_it_is_shown_on_a_dashboard_on_a_shared_page_and_as_csv(toy: Whole) -> None:
    board = (await toy.client.post(f"{toy.root}dashboards/", json={"name": "Board"})).json()
    made = await toy.create(name="Sign-ups", query=VIZ, dashboards=[board["id"]])
    shown = await toy.client.get(
        f"{toy.root}dashboards/{board['id']}/", params={"refresh": "blocking"}
    )
    assert [tile["insight"]["result"] for tile in shown.json()["tiles"]] == [COUNTED]
    sharing = await toy.client.patch(f"{toy.insights}{made['id']}/sharing/", json={"enabled": True})
    page = await toy.client.get(
        f"/shared/{sharing.json()['access_token']}", headers={"Accept": "text/html"}
    )
    assert (page.status_code, "signed_up" in page.text) == (200, True)
    as_csv = await toy.client.post(
        f"{toy.root}query/", json={"query": QUERY}, headers={"Accept": "text/csv"}
    )
    assert as_csv.text.splitlines() == ["event,count", "signed_up,2"]


async def test_without_its_rows_it_is_no_kind(toy: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(computed.KINDS, EventCountQuery)  # type: ignore[misc]  # its key is a type
    sent = await toy.client.post(f"{toy.root}query/", json={"query": QUERY})
    assert (sent.status_code, sent.json()["attr"]) == (400, "query")
    monkeypatch.delitem(nodes.KINDS, "EventCountQuery")
    refused = await toy.client.post(toy.insights, json={"query": VIZ})
    assert (refused.status_code, refused.json()["attr"]) == (400, "query__source__kind")
