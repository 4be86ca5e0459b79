"""insights-api.md, Results: refresh modes, their fields, jobs, cancelling, overrides."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.contracts.api.talk import Api
from tests.waiting import seen
from tests.whole import SIGN_UP

JOB = {
    "id", "team_id", "insight_id", "dashboard_id", "query_async", "complete", "error",
    "error_message", "results", "start_time", "pickup_time", "end_time", "expiration_time",
    "task_id", "labels", "query_progress",
}  # fmt: skip
WAITS = ["blocking", "force_blocking", "true", "async_except_on_cache_miss"]
STARTS = ["async", "lazy_async", "force_async"]
LOOKS = ["force_cache", "", "no-such-mode", None]


def funnel_of(*events: str) -> dict[str, Any]:
    series = [{"kind": "EventsNode", "event": event} for event in events]
    return {"kind": "InsightVizNode", "source": {"kind": "FunnelsQuery", "series": series}}


@pytest.fixture(scope="module")
async def happened(api: Api) -> None:
    """Two signed up, one of them paid."""
    at = datetime.now(UTC) - timedelta(hours=10)
    await api.here.happened(
        ("signed_up", "ada", at),
        ("signed_up", "bob", at),
        ("paid", "ada", at + timedelta(hours=1)),
        plan="pro",
    )


def path_of(insight: dict[str, Any], mode: str | None, more: str = "") -> str:
    refresh = f"refresh={mode}&" if mode is not None else ""
    return f"GET insights/{insight['id']}/?{refresh}{more}"


@pytest.mark.usefixtures("happened")
@pytest.mark.parametrize("mode", WAITS)
async def test_a_mode_that_waits_computes_what_is_not_there(api: Api, mode: str) -> None:
    made = await api.insight(query=funnel_of("signed_up", f"paid{mode}", "paid"))
    answer = await api(path_of(made, mode))
    answer.says(200, is_cached=False, query_status=None, timezone="UTC", hasMore=None)
    assert [step["count"] for step in answer["result"]] == [2, 0, 0]
    refreshed = datetime.fromisoformat(answer["last_refresh"])
    assert datetime.fromisoformat(answer["cache_target_age"]) - refreshed == timedelta(hours=6)
    allowed = datetime.fromisoformat(answer["next_allowed_client_refresh"])
    assert allowed - refreshed == timedelta(minutes=3)
    # From now on every mode shows what is kept; a force_* too, until its client may ask again.
    for again in (*WAITS, *STARTS, *LOOKS):
        cached = await api(path_of(made, again))
        cached.says(200, is_cached=True, last_refresh=answer["last_refresh"])
        assert cached["result"] == answer["result"]


@pytest.mark.usefixtures("happened")
@pytest.mark.parametrize("mode", STARTS)
async def test_a_mode_that_starts_a_job_answers_with_its_status(api: Api, mode: str) -> None:
    made = await api.insight(query=funnel_of("signed_up", "paid", f"then-{mode}"))
    answer = await api(path_of(made, mode))
    answer.says(200, result=None, is_cached=False)
    job = answer["query_status"]
    assert set(job) == JOB
    assert (job["team_id"], job["insight_id"], job["query_async"]) == (
        api.here.project.id, made["id"], True,
    )  # fmt: skip
    UUID(job["id"])

    async def complete() -> bool:
        polled = await api(f"GET query/{job['id']}/")
        polled.says(200)
        return bool(polled["query_status"]["complete"])

    await seen(complete, bool)
    done = (await api(f"GET query/{job['id']}/"))["query_status"]
    assert (done["error"], [step["count"] for step in done["results"]]) == (False, [2, 1, 0])
    (await api(path_of(made, "force_cache"))).says(200, is_cached=True, query_status=None)


@pytest.mark.parametrize("mode", LOOKS)
async def test_a_mode_that_only_looks_computes_nothing(api: Api, mode: str | None) -> None:
    made = await api.insight(query=funnel_of("signed_up", f"never-{mode}"))
    answer = await api(path_of(made, mode))
    answer.says(
        200,
        result=None,
        is_cached=False,
        last_refresh=None,
        cache_target_age=None,
        next_allowed_client_refresh=None,
        query_status=None,
    )


@pytest.mark.usefixtures("happened")
async def test_lists_and_patches_carry_what_is_kept(api: Api) -> None:
    made = await api.insight(query=funnel_of("signed_up", "paid", "listed"))
    computed = await api(path_of(made, "blocking"))
    (listed,) = (await api(f"GET insights/?short_id={made['short_id']}"))["results"]
    assert (listed["result"], listed["is_cached"]) == (computed["result"], True)
    patched = await api(f"PATCH insights/{made['id']}/", {"name": "named"})
    patched.says(200, result=computed["result"], is_cached=True)
    twin = await api("POST insights/", {"query": made["query"]})
    twin.says(201, result=computed["result"], is_cached=True)
    # Another query: nothing is kept for it.
    changed = await api(f"PATCH insights/{made['id']}/", {"query": funnel_of("x", "y")})
    changed.says(200, result=None, is_cached=False)


async def test_a_list_computes_what_it_is_asked_to(api: Api) -> None:
    made = await api.insight(query=funnel_of("signed_up", "paid", "by list"))
    answer = await api(f"GET insights/?short_id={made['short_id']}&refresh=blocking")
    assert answer["results"][0]["result"] is not None


async def test_kinds_that_are_not_computed_are_shown_without_a_result(api: Api) -> None:
    query = {"kind": "RetentionQuery", "series": [{"kind": "EventsNode", "event": "a"}]}
    made = await api.insight(query=query)
    made_path = f"GET insights/{made['id']}/"
    (await api(made_path)).says(200, result=None, query=query)
    run = await api("POST query/", {"query": query})
    assert (run.status, run["type"]) == (400, "validation_error")


async def test_cancelling_what_does_not_run_is_no_error_and_a_name_is_needed(api: Api) -> None:
    answer = await api("POST insights/cancel/", {"client_query_id": "nothing"})
    assert (answer.status, answer.body) == (201, "")
    (await api("POST insights/cancel/", {})).refuses(400, "required", attr="client_query_id")


async def test_a_job_of_another_project_is_not_there(api: Api) -> None:
    made = await api.insight(query=funnel_of("a", "b", "foreign job"))
    job = (await api(path_of(made, "async")))["query_status"]["id"]
    stranger = await api.stranger()
    (await api(f"GET {api.elsewhere}query/{job}/", by=stranger)).refuses(404, "not_found")
    (await api(f"GET {api.here.root}query/{job}/", by=stranger)).refuses(403, "permission_denied")
    unknown = UUID(int=0)
    (await api(f"GET query/{unknown}/")).refuses(404, "not_found")


@pytest.mark.usefixtures("happened")
async def test_a_node_is_run_by_the_query_endpoint(api: Api) -> None:
    answer = await api("POST query/", {"query": SIGN_UP})
    answer.says(200, timezone="UTC")
    assert [step["count"] for step in answer["results"]] == [2, 1]
    assert answer.body.keys() >= {"results", "is_cached", "last_refresh", "timezone"}
    by_get = await api(f"GET query/?query={quote(json.dumps(SIGN_UP['source']))}")
    assert by_get["results"] == answer["results"]
    (await api("POST query/", {})).refuses(400, "required", attr="query")


@pytest.mark.usefixtures("happened")
async def test_filters_override_goes_before_the_insights_own(api: Api) -> None:
    made = await api.insight(query=SIGN_UP)
    nobody = {"properties": [{"key": "plan", "value": "free", "type": "event"}]}
    override = quote(json.dumps(nobody))
    answer = await api(path_of(made, "blocking", f"filters_override={override}"))
    answer.says(200)
    assert [step["count"] for step in answer["result"]] == [0, 0]
    assert "free" in json.dumps(answer["query"])
    (await api(f"GET insights/{made['id']}/")).says(200, query=SIGN_UP)


@pytest.mark.usefixtures("happened")
async def test_from_dashboard_computes_under_the_dashboards_filters(api: Api) -> None:
    nobody = {"properties": [{"key": "plan", "value": "free", "type": "event"}]}
    board = await api.dashboard(name="Board", filters=nobody)
    made = await api.insight(query=SIGN_UP, dashboards=[board])
    answer = await api(path_of(made, "blocking", f"from_dashboard={board}"))
    assert [step["count"] for step in answer["result"]] == [0, 0]
    elsewhere = await api(path_of(made, "blocking", "from_dashboard=999999"))
    assert [step["count"] for step in elsewhere["result"]] == [2, 1]
    assert "color" not in elsewhere.body


@pytest.mark.usefixtures("happened")
async def test_a_dashboard_shows_its_insights_under_its_filters(api: Api) -> None:
    nobody = {"properties": [{"key": "plan", "value": "none", "type": "event"}]}
    board = await api.dashboard(name="Board", filters=nobody)
    made = await api.insight(query=SIGN_UP, dashboards=[board])
    await api.insight(dashboards=[board])  # asks nothing, and stays so
    path = f"GET dashboards/{board}/"

    async def tiles(query: str = "") -> Any:
        return [tile["insight"] for tile in (await api(path + query))["tiles"]]

    await api(path_of(made, "blocking"))
    computed, nothing = await tiles("?refresh=blocking")
    assert [step["count"] for step in computed["result"]] == [0, 0]
    assert '"none"' in json.dumps(computed["query"])
    assert (nothing["query"], nothing["filters"], nothing["result"]) == (None, {}, None)
    kept, _ = await tiles()
    assert (kept["result"], kept["is_cached"]) == (computed["result"], True)
    anybody, _ = await tiles("?refresh=blocking&filters_override=%7B%7D")
    assert [step["count"] for step in anybody["result"]] == [2, 1]
    written = await api(f"PATCH dashboards/{board}/", {"pinned": True})
    (listed,) = (await api("GET dashboards/?limit=1"))["results"]
    for answer in (written.body, listed):
        assert answer["tiles"][0]["insight"]["query"] == computed["query"]
    assert listed["tiles"][0]["insight"]["result"] is None
    (await api(f"GET insights/{made['id']}/")).says(200, query=SIGN_UP, is_cached=True)


async def test_a_dashboard_whose_filters_cannot_be_read_shows_its_insights_as_they_are(
    api: Api,
) -> None:
    board = await api.dashboard(name="Board", filters={"properties": "x"})
    await api.insight(query=SIGN_UP, dashboards=[board])
    (await api(f"GET dashboards/{board}/")).says(200, tiles__0__insight__query=SIGN_UP)


async def test_from_dashboard_shows_the_tiles_look(api: Api) -> None:
    board = await api.dashboard(name="Board")
    made = await api.insight(query=SIGN_UP, dashboards=[board])
    look = {
        "id": made["dashboard_tiles"][0]["id"],
        "color": "blue",
        "layouts": {"sm": {"x": 1}},
    }
    (await api(f"PATCH dashboards/{board}/", {"tiles": [look]})).says(200)
    answer = await api(path_of(made, None, f"from_dashboard={board}"))
    answer.says(200, color="blue", layouts={"sm": {"x": 1}})


async def test_a_computed_result_tells_the_query_as_text(api: Api) -> None:
    made = await api.insight(query=funnel_of("a", "b", "as text"))
    answer = await api(path_of(made, "blocking"))
    assert answer["hogql"]


def correlation_of(*events: str) -> dict[str, Any]:
    actors = {"kind": "FunnelsActorsQuery", "source": funnel_of(*events)["source"]}
    return {"kind": "FunnelCorrelationQuery", "source": actors}


@pytest.mark.usefixtures("happened")
async def test_a_correlation_has_its_result_in_every_mode_like_a_funnel(api: Api) -> None:
    made = await api.insight(query=correlation_of("signed_up", "paid", "correlated"))
    (await api(path_of(made, None))).says(200, result=None)
    answer = await api(path_of(made, "blocking"))
    answer.says(200, is_cached=False, result={"events": [], "skewed": True})
    for again in (*WAITS, *STARTS, *LOOKS):
        (await api(path_of(made, again))).says(200, is_cached=True, result=answer["result"])
    changed = await api(f"PATCH insights/{made['id']}/", {"name": "Why"})
    changed.says(200, is_cached=True, result=answer["result"])
    listed = await api(f"GET insights/?short_id={made['short_id']}")
    assert listed["results"][0]["result"] == answer["result"]
