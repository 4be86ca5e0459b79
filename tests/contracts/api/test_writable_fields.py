"""insights-api.md, Writable fields: what is taken, what is made of it, and what is refused."""

from typing import Any

import pytest

from contracts.queries.kinds import KINDS
from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP

LONG = "x" * 400
SPACED = {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": " paid "}]}
TAKEN: list[tuple[str, Any, Any]] = [  # field, sent, shown
    ("name", LONG, LONG),
    ("name", None, None),
    ("name", "", ""),
    ("name", " \t\u2003", ""),
    ("name", f"\n{LONG} ", LONG),  # trimmed before its length is looked at
    ("name", " two  words ", "two  words"),
    ("derived_name", LONG, LONG),
    ("derived_name", " as given ", " as given "),
    ("derived_name", None, None),
    ("description", LONG, LONG),
    ("description", None, None),
    ("description", " Why\n", "Why"),
    ("filters", {"insight": "PATHS", "x": [1]}, {"insight": "PATHS", "x": [1]}),
    ("filters", {}, {}),
    ("query", SIGN_UP, SIGN_UP),
    ("query", SPACED, SPACED),
    ("query", None, None),
    ("order", 2**31 - 1, 2**31 - 1),
    ("order", -(2**31), -(2**31)),
    ("order", None, None),
    ("deleted", True, True),
    ("tags", [" B ", "a", "b", "A"], ["a", "b"]),  # trimmed, lower-cased, once, sorted
    ("tags", ["\n" + "x" * 255 + " "], ["x" * 255]),
    ("tags", [], []),
    ("favorited", True, True),
    ("saved", False, False),
    ("dashboards", [], []),
]
REFUSED: list[tuple[str, Any, str, str]] = [  # field, sent, code, attr
    ("name", "x" * 401, "max_length", "name"),
    ("name", ["a"], "invalid_input", "name"),
    ("name", "nul\0", "null_characters_not_allowed", "name"),
    ("derived_name", "x" * 401, "max_length", "derived_name"),
    ("description", "x" * 401, "max_length", "description"),
    ("filters", [1], "invalid_input", "filters"),
    ("filters", "text", "invalid_input", "filters"),
    ("filters", {"a": ["nul\0"]}, "null_characters_not_allowed", "filters"),
    ("filters", '{"a": "\\u0000"}', "null_characters_not_allowed", "filters"),
    ("filters", '{"a":' * 3000 + "1" + "}" * 3000, "invalid_json", "filters"),
    ("filters", '{"a": 1e999}', "invalid_input", "filters"),
    ("query", "select 1", "invalid_input", "query"),
    ("query", {}, "required", "query__kind"),
    ("query", {"kind": "NoSuchQuery"}, "invalid_input", "query__kind"),
    ("query", {"kind": "InsightVizNode"}, "required", "query__source"),
    ("order", 2**31, "max_value", "order"),
    ("order", -(2**31) - 1, "min_value", "order"),
    ("order", "first", "invalid_input", "order"),
    ("deleted", "perhaps", "invalid_input", "deleted"),
    ("dashboards", [999999], "does_not_exist", "dashboards"),
    ("dashboards", "all", "not_a_list", "dashboards"),
    ("tags", "a", "not_a_list", "tags"),
    ("tags", [True], "invalid_input", "tags"),
    ("tags", ["x" * 256], "max_length", "tags"),
    ("favorited", None, "null", "favorited"),
    ("saved", None, "null", "saved"),
]


@pytest.mark.parametrize(("field", "sent", "shown"), TAKEN, ids=[row[0] for row in TAKEN])
async def test_a_field_is_taken(api: Api, field: str, sent: Any, shown: Any) -> None:
    (await api("POST insights/", {field: sent})).says(201, **{field: shown})
    made = await api.insight()
    for method in ("PATCH", "PUT"):
        (await api(f"{method} insights/{made['id']}/", {field: sent})).says(200, **{field: shown})
        if field == "deleted":
            (await api(f"PATCH insights/{made['id']}/", {"deleted": False})).says(200)


@pytest.mark.parametrize(
    ("field", "sent", "code", "attr"), REFUSED, ids=[f"{row[0]}-{row[2]}" for row in REFUSED]
)
async def test_a_field_is_refused(api: Api, field: str, sent: Any, code: str, attr: str) -> None:
    made = await api.insight()
    for request in (
        "POST insights/",
        f"PATCH insights/{made['id']}/",
        f"PUT insights/{made['id']}/",
    ):
        (await api(request, {"name": "never", field: sent})).refuses(400, code, attr=attr)
    (await api(f"GET insights/{made['id']}/")).says(200, name=None)


async def test_read_only_and_unknown_members_are_ignored(api: Api) -> None:
    body = {
        "id": 1,
        "short_id": "AAAAAAAA",
        "created_by": {"id": 999},
        "created_at": "2001-01-01T00:00:00Z",
        "last_modified_at": "2001-01-01T00:00:00Z",
        "result": [1],
        "is_sample": True,
        "effective_privilege_level": 21,
        "no_such_member": {"deep": [None]},
        "name": "taken",
    }
    made = await api("POST insights/", body)
    made.says(201, name="taken", result=None, effective_privilege_level=37, is_sample=False)
    assert made["id"] != 1
    assert made["short_id"] != "AAAAAAAA"
    assert made["created_by"]["id"] == api.here.ada
    assert made["created_at"] > "2026"
    (await api(f"PATCH insights/{made['id']}/", body)).says(200, id=made["id"])


@pytest.mark.parametrize("what", ["dashboards", "actions", "cohorts"])
async def test_texts_of_others_are_taken_without_what_is_around_them(api: Api, what: str) -> None:
    made = await api(f"POST {what}/", {"name": f" {LONG} ", "description": "\tWhy \n"})
    made.says(201, name=LONG, description="Why")
    changed = await api(f"PATCH {what}/{made['id']}/", {"name": "\n B "})
    changed.says(200, name="B", description="Why")


async def test_a_step_of_an_action_is_what_was_sent(api: Api) -> None:
    made = await api("POST actions/", {"name": "A", "steps": [{"event": " paid ", "text": " Go "}]})
    made.says(201, steps__0__event=" paid ", steps__0__text=" Go ")
    blank = await api("POST actions/", {"name": " "})
    blank.refuses(400, "blank", "This field may not be blank.", attr="name")


async def test_a_project_has_a_name_with_something_in_it(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("namer@example.com", level=8))
    for name in ("", " \n"):
        refused = await api("POST /api/projects/", {"name": name}, by=boss)
        refused.refuses(400, "blank", "This field may not be blank.", attr="name")
    (await api("POST /api/projects/", {"name": " Shop "}, by=boss)).says(201, name="Shop")


async def test_another_projects_dashboard_is_refused_like_one_that_is_not(api: Api) -> None:
    theirs = await api.stranger()
    foreign = await api(f"POST {api.elsewhere}dashboards/", {"name": "Theirs"}, by=theirs)
    foreign.says(201)
    answer = await api("POST insights/", {"dashboards": [foreign["id"]]})
    answer.refuses(400, "does_not_exist", attr="dashboards")


async def test_dashboards_set_the_membership(api: Api) -> None:
    one, two = await api.dashboard(name="One"), await api.dashboard(name="Two")
    made = await api.insight(dashboards=[one])
    moved = await api(f"PATCH insights/{made['id']}/", {"dashboards": [two]})
    moved.says(200, dashboards=[two])
    both = await api(f"PATCH insights/{made['id']}/", {"dashboards": [one, two]})
    assert sorted(both["dashboards"]) == sorted([one, two])
    # The tile that came back is the old one: its place on the dashboard was kept.
    assert made["dashboard_tiles"][0] in both["dashboard_tiles"]
    (await api(f"PATCH insights/{made['id']}/", {"dashboards": []})).says(200, dashboards=[])


@pytest.mark.parametrize(
    "kind",
    [
        "TrendsQuery", "FunnelsQuery", "RetentionQuery", "PathsQuery", "StickinessQuery",
        "LifecycleQuery", "HogQLQuery", "FunnelCorrelationQuery", "EventsQuery", "ActorsQuery",
    ],
)  # fmt: skip
async def test_every_kind_of_query_is_kept_as_sent_bare_or_wrapped(api: Api, kind: str) -> None:
    source: dict[str, Any] = {"kind": kind, "version": None, "tags": {"deep": [1.0, None]}}
    if KINDS[kind].node is None:
        # Of a kind that is computed, a member that nobody knows is refused.
        source["aNewMember"] = {"deep": [1.0, None]}
    needs: dict[str, dict[str, Any]] = {
        "TrendsQuery": {"series": [{"kind": "EventsNode", "event": "a"}]},
        "FunnelsQuery": {"series": [{"kind": "EventsNode", "event": "a"}]},
        "StickinessQuery": {"series": [{"kind": "EventsNode", "event": "a"}]},
        "LifecycleQuery": {"series": [{"kind": "EventsNode", "event": "a"}]},
        "RetentionQuery": {"retentionFilter": {}},
        "PathsQuery": {"pathsFilter": {}},
        "HogQLQuery": {"query": "select 1"},
        "EventsQuery": {"select": ["*"]},
        "FunnelCorrelationQuery": {
            "source": {"kind": "FunnelsActorsQuery", "source": SIGN_UP["source"]},
            "funnelCorrelationType": "events",
        },
    }
    source |= needs.get(kind, {})
    for query in (
        source,
        {"kind": "InsightVizNode", "source": source},
        {"kind": "DataTableNode", "source": source},
        {"kind": "DataVisualizationNode", "source": source},
    ):
        (await api("POST insights/", {"query": query})).says(201, query=query)
