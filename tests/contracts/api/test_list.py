"""insights-api.md, List: every query parameter, alone and together. client-compat.md 6 and 7."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP

TRENDS = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "a"}]}
SQL = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}


@pytest.fixture(scope="module")
async def shop(api: Api) -> dict[str, Any]:
    """Six insights by name, the oldest first, and the dashboards `one` and `two`."""
    one, two = await api.dashboard(name="One"), await api.dashboard(name="Two")
    bea = await api.member("bea")
    made: dict[str, Any] = {"one": one, "two": two}
    for name, by, fields in (
        ("funnel", {}, {"query": SIGN_UP, "dashboards": [one, two], "favorited": True}),
        ("trends", {}, {"query": TRENDS, "tags": ["Weekly", "ops"], "order": 2}),
        ("legacy", {}, {"filters": {"insight": "FUNNELS", "events": [{"id": "a"}]}, "order": 1}),
        ("sql", bea, {"query": SQL, "saved": False, "tags": ["ops"]}),
        ("boarded", bea, {"saved": False, "dashboards": [one]}),
        ("gone", {}, {"query": TRENDS, "deleted": True}),
    ):
        answer = await api("POST insights/", {"name": name, **fields}, by=by)
        answer.says(201)
        made[name] = answer.body
    return made


async def names(api: Api, query: str) -> list[str]:
    answer = await api(f"GET insights/?{query}")
    answer.says(200)
    assert answer["count"] == len(answer["results"])
    return [each["name"] for each in answer["results"]]


QUERIES = {
    "": ["legacy", "trends", "boarded", "sql", "funnel"],  # order, nulls last, newest first
    "saved=true": ["legacy", "trends", "boarded", "funnel"],
    "saved=True": ["legacy", "trends", "boarded", "funnel"],
    "saved=false": ["boarded", "sql"],
    "favorited=true": ["funnel"],
    "favorited": ["funnel"],  # present is enough
    "user=true": ["legacy", "trends", "funnel"],
    "user": ["legacy", "trends", "funnel"],
    "created_by={ada}": ["legacy", "trends", "funnel"],
    "created_by={ada}&favorited=1": ["funnel"],
    "created_by=[{ada}]": ["legacy", "trends", "funnel"],
    "created_by=[{ada},999999]": ["legacy", "trends", "funnel"],
    "created_by=[999999]": [],
    "created_by=[99999999999999999999]": [],
    "created_by=[]": ["legacy", "trends", "boarded", "sql", "funnel"],
    "short_id={trends}": ["trends"],
    "short_id=abcdefgh": [],
    "insight=FUNNELS": ["legacy", "funnel"],
    "insight=TRENDS": ["trends"],
    "insight=RETENTION": [],
    "insight=SQL": ["sql"],
    "insight=JSON": ["trends", "funnel"],
    "dashboards=[{one}]": ["boarded", "funnel"],
    "dashboards=[{one},{two}]": ["funnel"],  # on all of them
    "dashboards=[999999]": [],
    "tags=[%22ops%22]": ["trends", "sql"],
    "tags=[%22weekly%22,%22none%22]": ["trends"],  # any of them
    "search=": ["legacy", "trends", "boarded", "sql", "funnel"],
    "search=%20": ["legacy", "trends", "boarded", "sql", "funnel"],
    "search=FUN": ["funnel"],
    "search=weekly": ["trends"],  # a tag
    "date_from=2000-01-01": ["legacy", "trends", "boarded", "sql", "funnel"],
    "date_to=2000-01-01": [],
    "date_from=-1h": ["legacy", "trends", "boarded", "sql", "funnel"],
    "date_to=-1h": [],
    "created_date_from=-1h": ["legacy", "trends", "boarded", "sql", "funnel"],
    "created_date_to=-1h": [],
    "order=name": ["boarded", "funnel", "legacy", "sql", "trends"],
    "order=-name": ["trends", "sql", "legacy", "funnel", "boarded"],
    "ordering=name": ["boarded", "funnel", "legacy", "sql", "trends"],
    "order=created_at": ["funnel", "trends", "legacy", "sql", "boarded"],
    "order=id": ["funnel", "trends", "legacy", "sql", "boarded"],
    "order=-id": ["boarded", "sql", "legacy", "trends", "funnel"],
    "order=order": ["legacy", "trends", "boarded", "sql", "funnel"],
    "no_such_parameter=1": ["legacy", "trends", "boarded", "sql", "funnel"],
    "saved=true&insight=FUNNELS&order=-created_at": ["legacy", "funnel"],
    "search=o&tags=[%22ops%22]&saved=true": ["trends"],
}


@pytest.mark.parametrize("query", QUERIES)
async def test_a_parameter_finds(api: Api, shop: dict[str, Any], query: str) -> None:
    filled = query
    for name, value in {
        "{ada}": api.here.ada,
        "{trends}": shop["trends"]["short_id"],
        "{one}": shop["one"],
        "{two}": shop["two"],
    }.items():
        filled = filled.replace(name, str(value))
    assert await names(api, filled) == QUERIES[query]


@pytest.mark.parametrize(
    "field",
    [
        "name", "created_at", "created_by", "last_modified_at", "updated_at", "short_id", "id",
        "order", "saved", "favorited", "deleted",
    ],
)  # fmt: skip
async def test_every_field_of_the_table_orders_both_ways(
    api: Api, shop: dict[str, Any], field: str
) -> None:
    up, down = await names(api, f"order={field}"), await names(api, f"order=-{field}")
    assert sorted(up) == sorted(down) == ["boarded", "funnel", "legacy", "sql", "trends"]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        (f"search={'x' * 201}", "search"),
        ("order=colour", "order"),
        ("order=-query", "order"),
        ("dashboards=one", "dashboards"),
        ("dashboards={}", "dashboards"),
        ("tags=ops", "tags"),
        ("created_by=ada", "created_by"),
        ("created_by=[ada]", "created_by"),
        ("date_from=someday", "date_from"),
        ("created_date_to=someday", "created_date_to"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_named(api: Api, query: str, attr: str) -> None:
    answer = await api(f"GET insights/?{query}")
    assert (answer.status, answer["attr"]) == (400, attr)
    assert answer["type"] == "validation_error"


async def test_a_search_finds_what_is_written_wrongly_and_says_how_it_matched(api: Api) -> None:
    await api.insight(name="Conversion dashboard", tags=["typo"])
    await api.insight(name="Other", description="for the dashboard", tags=["typo"])
    await api.insight(derived_name="dashboard of pageviews", tags=["typo"])
    only = "tags=[%22typo%22]"
    exact = await api(f"GET insights/?search=DASHBOARD&{only}")
    assert {each["search_match_type"] for each in exact["results"]} == {"exact"}
    assert exact["count"] == 3
    similar = await api(f"GET insights/?search=dahsboard&{only}")
    assert "Conversion dashboard" in [each["name"] for each in similar["results"]]
    assert {each["search_match_type"] for each in similar["results"]} == {"similar"}
    assert "search_match_type" not in (await api(f"GET insights/?{only}"))["results"][0]


async def test_search_puts_the_exact_name_first_then_other_names_then_descriptions(
    api: Api,
) -> None:
    for name, description in (
        ("z", "about churn"),
        ("churn by month", None),
        ("churn", None),
    ):
        await api.insight(name=name, description=description, tags=["churned"])
    answer = await api("GET insights/?search=churn&tags=[%22churned%22]")
    assert [each["name"] for each in answer["results"]] == ["churn", "churn by month", "z"]


async def test_basic_is_the_twenty_members_and_no_more(api: Api, shop: dict[str, Any]) -> None:
    del shop
    answer = await api("GET insights/?basic=true&limit=1")
    assert set(answer["results"][0]) == {
        "id", "short_id", "name", "derived_name", "filters", "query", "dashboards",
        "dashboard_tiles", "description", "last_refresh", "refreshing", "saved", "tags",
        "updated_at", "created_by", "created_at", "last_modified_at", "favorited",
        "user_access_level", "last_viewed_at",
    }  # fmt: skip


async def test_an_insight_is_found_by_its_kind_however_it_is_stored(api: Api) -> None:
    """As filters, as a bare source, and wrapped."""
    tag = quote(json.dumps(["kinds"]))
    for kind, query in (
        ("RETENTION", {"kind": "RetentionQuery", "retentionFilter": {}}),
        ("PATHS", {"kind": "PathsQuery", "pathsFilter": {}}),
        ("STICKINESS", {"kind": "StickinessQuery", "series": [{"kind": "EventsNode"}]}),
        ("LIFECYCLE", {"kind": "LifecycleQuery", "series": [{"kind": "EventsNode"}]}),
    ):
        await api.insight(name="bare", query=query, tags=["kinds"])
        viz = {"kind": "InsightVizNode", "source": query}
        await api.insight(name="wrapped", query=viz, tags=["kinds"])
        await api.insight(name="filters", filters={"insight": kind}, tags=["kinds"])
        answer = await api(f"GET insights/?insight={kind}&tags={tag}&order=name")
        assert [each["name"] for each in answer["results"]] == ["bare", "filters", "wrapped"]
    await api.insight(name="default", filters={"events": [{"id": "a"}]}, tags=["kinds"])
    answer = await api(f"GET insights/?insight=TRENDS&tags={tag}")
    assert [each["name"] for each in answer["results"]] == ["default"]


async def test_a_stored_shape_that_cannot_be_read_leaves_the_list_unharmed(api: Api) -> None:
    broken = await api.insight(
        name="broken", filters={"insight": "FUNNELS", "events": 7}, tags=["unread"]
    )
    await api.insight(name="whole", query=SIGN_UP, tags=["unread"])
    answer = await api("GET insights/?tags=[%22unread%22]&order=name")
    answer.says(200, count=2, results__0__id=broken["id"], results__0__result=None)
    answer.says(200, results__1__name="whole", results__1__query=SIGN_UP)


async def test_a_deleted_insight_is_in_no_list(api: Api, shop: dict[str, Any]) -> None:
    gone = shop["gone"]
    for query in (f"short_id={gone['short_id']}", "search=gone", "order=deleted"):
        assert "gone" not in await names(api, query)
