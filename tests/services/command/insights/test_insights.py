"""Creating and editing insights over HTTP."""

from typing import Any

import pytest

from tests.services.command.conftest import World

FUNNEL = {
    "kind": "InsightVizNode",
    "source": {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "a"}]},
}
MEMBERS = {
    "id", "short_id", "name", "derived_name", "filters", "query", "order", "deleted",
    "dashboards", "dashboard_tiles", "last_refresh", "cache_target_age",
    "next_allowed_client_refresh", "result", "hasMore", "columns", "created_at", "created_by",
    "description", "updated_at", "tags", "favorited", "saved", "last_modified_at",
    "last_modified_by", "is_sample", "effective_restriction_level", "effective_privilege_level",
    "user_access_level", "timezone", "is_cached", "query_status", "hogql", "types",
    "last_viewed_at", "alerts", "resolved_date_range",
}  # fmt: skip


async def create(world: World, **fields: Any) -> dict[str, Any]:
    answer = await world.client.post(world.insights, json=fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_creation_answers_with_the_whole_insight(world: World) -> None:
    answer = await world.client.post(
        world.insights, json={"name": "Sign-ups", "query": FUNNEL, "tags": [" B", "a"], "id": 99}
    )
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == MEMBERS
    assert (body["name"], body["query"], body["tags"]) == ("Sign-ups", FUNNEL, ["a", "b"])
    assert body["id"] != 99
    assert len(body["short_id"]) == 8
    assert body["filters"] == {}
    assert body["saved"] is True
    assert body["created_by"]["email"] == "ada@example.com"
    assert body["user_access_level"] == "manager"
    assert answer.headers["etag"].startswith('"2-')
    assert answer.headers["insights-position"] == "2"


async def test_a_patch_changes_what_it_names_and_saves(world: World) -> None:
    made = await create(world, name="A", description="why", saved=False)
    answer = await world.client.patch(f"{world.insights}{made['id']}/", json={"name": "B"})
    body = answer.json()
    assert answer.status_code == 200
    assert (body["name"], body["description"], body["saved"]) == ("B", "why", True)
    assert body["last_modified_at"] > made["last_modified_at"]


async def test_a_short_id_and_the_alias_reach_the_same_insight(world: World) -> None:
    made = await create(world, name="A")
    for path in (
        f"/api/environments/@current/insights/{made['short_id']}",
        f"/api/projects/@current/insights/{made['id']}",
    ):
        answer = await world.client.patch(path, json={"name": "B"})
        assert answer.json()["id"] == made["id"]


async def test_a_put_gives_the_rest_its_defaults(world: World) -> None:
    made = await create(world, name="A", tags=["x"], favorited=True, query=FUNNEL)
    body = (await world.client.put(f"{world.insights}{made['id']}/", json={"name": "C"})).json()
    assert (body["name"], body["tags"], body["favorited"], body["query"]) == ("C", [], False, None)


async def test_deleting_is_a_patch_and_only_a_restoring_one_follows(world: World) -> None:
    path = f"{world.insights}{(await create(world, name='A'))['id']}/"
    assert (await world.client.patch(path, json={"deleted": True})).json()["deleted"] is True
    assert (await world.client.patch(path, json={"name": "B"})).status_code == 404
    restored = await world.client.patch(path, json={"deleted": False})
    assert (restored.status_code, restored.json()["deleted"]) == (200, False)


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"name": "x" * 401}, "name", "max_length"),
        ({"derived_name": "x" * 401}, "derived_name", "max_length"),
        ({"description": "x" * 401}, "description", "max_length"),
        ({"name": ["a"]}, "name", "invalid_input"),
        ({"filters": [1]}, "filters", "invalid_input"),
        ({"query": "select 1"}, "query", "invalid_input"),
        ({"query": {"kind": "NoSuchQuery"}}, "query__kind", "invalid_input"),
        ({"query": {}}, "query__kind", "required"),
        ({"query": {"kind": "InsightVizNode"}}, "query__source", "required"),
        ({"order": 2**31}, "order", "max_value"),
        ({"order": -(2**31) - 1}, "order", "min_value"),
        ({"order": "first"}, "order", "invalid_input"),
        ({"deleted": "perhaps"}, "deleted", "invalid_input"),
        ({"favorited": None}, "favorited", "null"),
        ({"tags": "a"}, "tags", "not_a_list"),
        ({"tags": [True]}, "tags", "invalid_input"),
        ({"dashboards": [12345]}, "dashboards", "does_not_exist"),
        ({"name": "nul\0"}, "name", "null_characters_not_allowed"),
        ({"query": {"kind": "HogQLQuery", "query": "\0"}}, "query", "null_characters_not_allowed"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    world: World, body: dict[str, Any], attr: str, code: str
) -> None:
    made = await create(world, name="A")
    for answer in (
        await world.client.post(world.insights, json=body),
        await world.client.patch(f"{world.insights}{made['id']}/", json=body),
    ):
        problem = answer.json()
        assert answer.status_code == 400
        assert (problem["type"], problem["attr"], problem["code"]) == (
            "validation_error", attr, code,
        )  # fmt: skip


async def test_what_is_not_json_but_reads_as_a_form_is_read_as_one(world: World) -> None:
    answer = await world.client.post(
        world.insights,
        content="name=string&tags=[%22a%22]&favorited=true&query=null",
        headers={"Content-Type": "application/json"},
    )
    body = answer.json()
    assert (body["name"], body["tags"], body["favorited"]) == ("string", ["a"], True)


@pytest.mark.parametrize("text", ["{", "{'a': 1}", "[1]", "nonsense", '{"name": "\\ud800"}'])
async def test_what_is_neither_is_refused(world: World, text: str) -> None:
    answer = await world.client.post(
        world.insights, content=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert set(answer.json()) == {"type", "code", "detail", "attr"}


async def test_what_is_nested_deeper_than_anybody_means_is_refused(world: World) -> None:
    deep = '{"filters": ' + '{"a": ["}", ' * 600 + "1" + "]}" * 600 + "}"
    for content, kind in ((deep, "application/json"), (f"filters={deep}", "text/plain")):
        answer = await world.client.post(
            world.insights, content=content, headers={"Content-Type": kind}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    wide = {"a": [{"}": [n]} for n in range(500)]}
    assert (await create(world, filters=wide))["filters"] == wide


async def test_if_match_loses_no_update_and_a_refusal_tells_what_changed(world: World) -> None:
    answer = await world.client.post(world.insights, json={"name": "A"})
    path = f"{world.insights}{answer.json()['id']}/"
    etag = answer.headers["etag"]
    first = await world.client.patch(path, json={"name": "B"}, headers={"If-Match": etag})
    second = await world.client.patch(path, json={"name": "C"}, headers={"If-Match": etag})
    assert (first.status_code, second.status_code) == (200, 412)
    problem = second.json()
    assert (problem["code"], problem["current_version"]) == ("stale", 2)
    (change,) = problem["changes"]
    assert (change["field"], change["before"], change["after"]) == ("name", "A", "B")


async def test_a_repeat_under_its_key_has_the_first_answer_and_no_second_effect(
    world: World,
) -> None:
    keyed = {"Idempotency-Key": "k-1"}
    first = await world.client.post(world.insights, json={"name": "A"}, headers=keyed)
    again = await world.client.post(world.insights, json={"name": "A"}, headers=keyed)
    assert again.status_code == 201
    assert again.content == first.content
    other = await world.client.post(world.insights, json={"name": "B"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_repeated_patch_under_its_key_passes_its_own_if_match(world: World) -> None:
    made = await world.client.post(world.insights, json={"name": "A"})
    path = f"{world.insights}{made.json()['id']}/"
    keyed = {"Idempotency-Key": "k-2", "If-Match": made.headers["etag"]}
    first = await world.client.patch(path, json={"name": "B"}, headers=keyed)
    await world.client.patch(path, json={"name": "C"})
    again = await world.client.patch(path, json={"name": "B"}, headers=keyed)
    assert (again.status_code, again.content) == (200, first.content)


async def test_who_may_not_is_told_why(world: World) -> None:
    nobody = await world.client.post(world.insights, headers={"Authorization": ""})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not_authenticated")
    assert nobody.headers["www-authenticate"] == "Bearer"
    stranger = await world.client.post(world.insights, headers={"Authorization": "Bearer phx_no"})
    assert (stranger.status_code, stranger.json()["code"]) == (401, "authentication_failed")
    reader = await world.client.post(world.insights, headers=await world.key_with("insight:read"))
    assert reader.status_code == 403
    assert reader.json()["detail"] == "API key missing required scope 'insight:write'"
    foreign = await world.client.post(f"/api/projects/{world.foreign.id}/insights/")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "permission_denied")
    nowhere = await world.client.post("/api/projects/424242/insights/")
    assert (nowhere.status_code, nowhere.json()["detail"]) == (404, "Project not found.")


async def test_a_key_may_come_in_the_body_or_the_query(world: World) -> None:
    bare = {"Authorization": ""}
    in_body = await world.client.post(
        world.insights, json={"personal_api_key": world.key}, headers=bare
    )
    in_query = await world.client.post(
        f"{world.insights}?personal_api_key={world.key}", headers=bare
    )
    assert (in_body.status_code, in_query.status_code) == (201, 201)


async def test_unknown_paths_and_methods_keep_the_one_shape(world: World) -> None:
    lost = await world.client.get("/api/nowhere/")
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    wrong = await world.client.request("DELETE", f"{world.insights}1/")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.json()["detail"] == 'Method "DELETE" not allowed.'
    assert "PATCH" in wrong.headers["allow"]


async def test_legacy_filters_stay_as_they_are_and_show_what_they_mean(world: World) -> None:
    filters = {"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b", "order": 1}]}
    made = await create(world, filters=filters)
    assert made["filters"] == filters
    assert made["query"]["kind"] == "InsightVizNode"
    assert made["query"]["source"]["kind"] == "FunnelsQuery"
    assert [step["event"] for step in made["query"]["source"]["series"]] == ["a", "b"]
    unread = await create(world, filters={"insight": "FUNNELS", "properties": 5})
    assert unread["query"] is None
