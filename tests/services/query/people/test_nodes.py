"""Actors by query nodes, and what can be asked for beside a funnel."""

from typing import Any

from tests.services.query.people.shop import (
    NODE,
    SIGN_UP,
    Event,
    everybody,
    funnel,
    happened,
    known,
    ok,
    parameters,
    person_id,
)
from tests.waiting import seen
from tests.whole import Whole


async def opened(whole: Whole) -> None:
    await happened(
        whole,
        Event("signed_up", "ada", 0, {"browser": "Firefox"}),
        Event("paid", "ada", 2, {"browser": "Safari"}),
        Event("signed_up", "bob", 1, {"browser": "Safari"}),
        Event("signed_up", "cy", 1, {"browser": "Firefox"}),
        Event("signed_up", "ghost", 1, {"browser": "Firefox"}),
    )
    await known(whole, ada={"email": "ada@example.com", "age": 36}, bob={"name": "Bob"}, cy={})


async def query(whole: Whole, node: dict[str, Any], **asked: Any) -> dict[str, Any]:
    return ok(await whole.client.post(f"{whole.root}query/", json={"query": node, **asked}))


def actors(step: int = 1, **query: Any) -> dict[str, Any]:
    source = {"kind": "FunnelsActorsQuery", "source": NODE, "funnelStep": step}
    return {"kind": "ActorsQuery", "source": source, **query}


async def test_actors_come_as_rows_of_the_columns_asked_for(whole: Whole) -> None:
    await opened(whole)
    answer = await query(whole, actors(2))
    ((ada, id_, created_at),) = answer["results"]
    assert (ada["type"], ada["name"], id_) == ("person", "ada@example.com", str(person_id("ada")))
    assert [event["event"] for event in ada["matched_events"]] == ["signed_up", "paid"]
    assert created_at == "2024-01-10T12:00:00.000000Z"
    assert answer["columns"] == ["actor", "id", "created_at"]
    assert len(answer["types"]) == 3
    assert (answer["hasMore"], answer["limit"], answer["offset"]) == (False, 100, 0)
    assert answer["hogql"].startswith("LIST actor, id, created_at OF ACTORS IN\nSELECT")
    chosen = ["properties.age", "person.properties.email", "name", "distinct_ids", "is_identified"]
    assert (await query(whole, actors(2, select=chosen)))["results"] == [
        [36, "ada@example.com", "ada@example.com", ["ada"], True]
    ]


async def test_a_column_may_be_given_another_name(whole: Whole) -> None:
    await opened(whole)
    chosen = ["properties.age as years", "id AS `who`"]
    answer = await query(whole, actors(1, select=chosen))
    assert answer["columns"] == chosen
    assert [36, str(person_id("ada"))] in answer["results"]
    assert [None, str(person_id("ghost"))] in answer["results"]


async def test_an_actor_without_a_record_is_a_row_with_its_id(whole: Whole) -> None:
    await opened(whole)
    answer = await query(whole, actors(1, select=["actor", "id", "name"]))
    ghost = str(person_id("ghost"))
    assert (answer["missing_actors_count"], len(answer["results"])) == (1, 4)
    assert [{"id": ghost}, ghost, None] in answer["results"]


async def test_pages_say_whether_there_are_more(whole: Whole) -> None:
    await opened(whole)
    pages = [
        await query(whole, actors(1, select=["id"], limit=2, offset=offset)) for offset in (0, 2)
    ]
    assert [page["hasMore"] for page in pages] == [True, False]
    found = [row[0] for page in pages for row in page["results"]]
    assert found == sorted(str(person_id(who)) for who in ("ada", "bob", "cy", "ghost"))


async def test_actors_are_searched_and_ordered_by_their_records(whole: Whole) -> None:
    await opened(whole)
    async with whole.pool.connection() as conn:
        await conn.execute(
            "UPDATE persons SET created_at = '2024-01-01' WHERE person_id = %s", (person_id("bob"),)
        )

    async def found(**asked: Any) -> list[str]:
        rows = (await query(whole, actors(1, select=["actor"], **asked)))["results"]
        return [actor.get("name", "") for (actor,) in rows]

    assert await found(search="EXAMPLE") == ["ada@example.com"]
    assert await found(search=" cy ") == ["cy"]
    assert await found(search=str(person_id("bob"))) == ["Bob"]
    assert (await found(orderBy=["created_at"]))[0] == "Bob"
    assert (await found(orderBy=["created_at DESC"]))[2:] == ["Bob", ""]
    by_id = await found(orderBy=["id DESC"])
    assert by_id == (await found())[::-1]
    assert await found(orderBy=["id DESC"], limit=1, offset=1) == by_id[1:2]


async def test_a_bare_source_and_a_job_give_the_same_rows(whole: Whole) -> None:
    await opened(whole)
    node = actors(-2)
    bare = await query(whole, node["source"])
    assert (len(bare["results"]), bare["is_cached"]) == (3, False)
    again = await query(whole, {"kind": "DataTableNode", "source": node})
    assert (again["results"], again["is_cached"]) == (bare["results"], True)
    started = await whole.client.post(
        f"{whole.root}query/", json={"query": actors(2), "refresh": "force_async"}
    )
    assert started.status_code == 202
    job = started.json()["query_status"]["id"]

    async def status() -> Any:
        path = f"{whole.root}query/{job}/"
        return (await whole.client.get(path)).json()["query_status"]

    polled = await seen(status, lambda status: status["complete"])
    assert len(polled["results"]) == 1


async def test_rows_of_a_breakdown_and_of_a_trend_have_their_actors_too(whole: Whole) -> None:
    await opened(whole)
    broken_down = {**NODE, "breakdownFilter": {"breakdown": "browser"}}
    source = {"kind": "FunnelsActorsQuery", "source": broken_down, "funnelStep": 1}
    for value in (["Safari"], "Safari"):
        answer = await query(whole, {**source, "funnelStepBreakdown": value})
        assert [row[1] for row in answer["results"]] == [str(person_id("bob"))]
    trends = {**NODE, "funnelsFilter": {"funnelVizType": "trends"}}
    dropped = {
        "kind": "FunnelsActorsQuery",
        "source": trends,
        "funnelTrendsDropOff": True,
        "funnelTrendsEntrancePeriodStart": "2024-01-10",
    }
    assert len((await query(whole, dropped))["results"]) == 3


async def test_actors_are_named_by_their_last_step_and_by_their_id_alone(whole: Whole) -> None:
    await opened(whole)
    source = {"kind": "FunnelsActorsQuery", "source": NODE, "funnelCustomSteps": [2]}
    node = {"kind": "ActorsQuery", "select": ["actor_id"], "source": source}
    assert (await query(whole, node))["results"] == [[str(person_id("ada"))]]


async def test_what_actors_do_not_have_is_refused(whole: Whole) -> None:
    source = actors()["source"]
    trends = {**NODE, "funnelsFilter": {"funnelVizType": "trends"}}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"kind": "ActorsQuery"}, "query__source"),
        (actors(select=["shoe_size"]), "query__select"),
        (actors(select=["properties."]), "query__select"),
        (actors(orderBy=["name"]), "query__orderBy"),
        (actors(limit=0), "query__limit"),
        (actors(offset=-1), "query__offset"),
        (actors(0), "funnelStep"),
        (actors(3), "funnelStep"),
        ({**source, "funnelStep": None}, "funnelStep"),
        ({**source, "funnelStepBreakdown": "x"}, "funnelStepBreakdown"),
        (
            {**source, "source": trends, "funnelTrendsDropOff": True},
            "funnelTrendsEntrancePeriodStart",
        ),
        (
            {**source, "source": trends, "funnelTrendsEntrancePeriodStart": "2024-01-10"},
            "funnelTrendsDropOff",
        ),
    ]
    for node, attr in refused:
        answer = await whole.client.post(f"{whole.root}query/", json={"query": node})
        told = answer.json()
        assert (answer.status_code, told["type"], told["attr"]) == (
            400, "validation_error", attr,
        ), told  # fmt: skip


async def test_a_baseline_counts_everybody_once_in_one_more_row(whole: Whole) -> None:
    await opened(whole)
    asked = {"breakdown": ["browser"], "breakdown_attribution_type": "all_events"}
    without = await funnel(whole, **asked)
    answer = await funnel(whole, **asked, include="baseline")
    *rows, baseline = answer["result"]
    bare = [[strip(row) for row in group] for group in rows]
    assert bare == [[strip(row) for row in group] for group in without["result"]]
    assert [row["count"] for row in baseline] == [4, 1]
    assert baseline[0]["breakdown_value"] == ["Baseline"]
    assert "funnel_step_breakdown" not in parameters(baseline[1]["converted_people_url"])
    assert len(await everybody(whole, baseline[1]["converted_people_url"])) == 1
    trends = await funnel(whole, **asked, funnel_viz_type="trends", include=["baseline"])
    assert trends["result"][-1]["breakdown_value"] == ["Baseline"]
    assert trends["result"][-1]["data"][0] == 25.0
    plain = await funnel(whole, include="baseline")
    assert [row["count"] for row in plain["result"]] == [4, 1]


def strip(row: dict[str, Any]) -> dict[str, Any]:
    """Without the links, whose keys are made anew each time."""
    return {name: value for name, value in row.items() if not name.endswith("_url")}


async def test_warnings_say_what_was_passed_over(whole: Whole) -> None:
    events = [{**SIGN_UP["events"][0], "math": "dau"}, SIGN_UP["events"][1]]
    silent = await funnel(whole, events=events)
    answer = await funnel(whole, events=events, include="warnings")
    assert "warnings" not in silent
    assert answer["warnings"] == ["events[0]: math 'dau' has no effect on funnels."]
    series = [{**NODE["series"][0], "math": "dau"}, NODE["series"][1]]
    node = await query(whole, {**NODE, "series": series}, include=["warnings"])
    assert node["warnings"] == ["series[0]: math 'dau' has no effect on funnels."]


async def test_pending_and_baseline_are_asked_of_nodes_too(whole: Whole) -> None:
    await opened(whole)
    node = {**NODE, "breakdownFilter": {"breakdown": "browser"}}
    answer = await query(whole, node, include="pending,baseline")
    assert answer["results"][-1][0]["breakdown_value"] == ["Baseline"]
    # The window runs on after the range's end: who signed up may still pay.
    assert answer["results"][-1][1]["pending_count"] == 3


async def test_a_result_tells_its_query_in_words(whole: Whole) -> None:
    answer = await funnel(
        whole,
        events=[
            {"id": "signed_up", "properties": [{"key": "plan", "value": "pro"}]},
            {"id": "paid", "order": 1},
        ],
        properties=[{"key": "email", "type": "person", "operator": "is_set"}],
        breakdown="browser",
    )
    assert answer["hogql"] == (
        "SELECT actors, average_conversion_time, median_conversion_time by step\n"
        "FROM events\n"
        "WHERE timestamp BETWEEN '2024-01-10 00:00:00' AND '2024-01-16 23:59:59.999999'\n"
        "  AND person.properties.email IS NOT NULL\n"
        "FUNNEL ordered, within 14 days, by person\n"
        "  1. signed_up WHERE properties.plan = 'pro'\n"
        "  2. paid\n"
        "BREAKDOWN BY properties.browser (first touch, at most 25 rows)"
    )
    assert (await query(whole, NODE))["hogql"].startswith("SELECT actors")


async def test_a_funnel_as_csv_is_a_row_per_step_and_value(whole: Whole) -> None:
    await opened(whole)
    query = {
        "events": '[{"id":"signed_up"},{"id":"paid","order":1}]',
        "date_from": "2024-01-10",
        "date_to": "2024-01-16",
        "format": "csv",
    }
    plain = await whole.client.get(f"{whole.insights}funnel/", params=query)
    assert plain.headers["content-type"].startswith("text/csv")
    header, *rows = plain.text.splitlines()
    assert header.startswith("action_id,name,custom_name,order,people,count,")
    assert [row.split(",")[0] for row in rows] == ["signed_up", "paid"]
    several = await whole.client.get(
        f"{whole.insights}funnel/", params={**query, "breakdown": "browser"}
    )
    assert len(several.text.splitlines()) == 1 + 2 * 2
    people = await whole.client.get(
        f"{whole.root}persons/funnel/", params={**query, "funnel_step": "1"}
    )
    header, *rows = people.text.splitlines()
    assert ("name" in header.split(","), len(rows)) == (True, 3)


async def test_a_funnel_is_compared_with_the_period_before(whole: Whole) -> None:
    await opened(whole)
    week = 7 * 24
    await happened(whole, Event("signed_up", "old", -week), Event("paid", "old", 1 - week))
    compared = {**NODE, "compareFilter": {"compare": True}}
    answer = await query(whole, compared)
    assert [(row["compare_label"], row["count"]) for row in answer["results"]] == [
        ("current", 4), ("current", 1), ("previous", 1), ("previous", 1),
    ]  # fmt: skip
    assert answer["total_median_conversion_time"] is None
    broken_down = {**compared, "breakdownFilter": {"breakdown": "browser"}}
    several = await query(whole, broken_down, include="baseline")
    assert [(rows[0]["compare_label"], rows[0]["breakdown_value"], rows[0]["count"])
            for rows in several["results"]] == [
        ("current", ["Firefox"], 3),
        ("current", ["Safari"], 1),
        ("current", [""], 0),
        ("current", ["Baseline"], 4),
        ("previous", ["Firefox"], 0),
        ("previous", ["Safari"], 0),
        ("previous", [""], 1),
        ("previous", ["Baseline"], 1),
    ]  # fmt: skip
    trends = {**broken_down, "funnelsFilter": {"funnelVizType": "trends"}}
    lines = (await query(whole, trends, include="baseline"))["results"]
    assert [
        (line["compare_label"], line["data"][0])
        for line in lines
        if line["breakdown_value"] == ["Baseline"]
    ] == [("current", 25.0), ("previous", 100.0)]
