"""insights-api.md, Endpoints: every row of the table answers, under every spelling of its path."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP

ID = "insights/{id}/"
FUNNEL = "events=[{%22id%22:%22signed_up%22},{%22id%22:%22paid%22}]"

BODY = {"events": [{"id": "signed_up"}, {"id": "paid", "order": 1}]}

# request, body, status, scope
TABLE: list[tuple[str, Any, int, str]] = [
    ("GET insights/", None, 200, "insight:read"),
    ("POST insights/", {"name": "A"}, 201, "insight:write"),
    (f"GET {ID}", None, 200, "insight:read"),
    (f"PATCH {ID}", {"name": "B"}, 200, "insight:write"),
    (f"PUT {ID}", {"name": "B"}, 200, "insight:write"),
    (f"GET {ID}sharing/", None, 200, "sharing_configuration:read"),
    (f"PATCH {ID}sharing/", {"enabled": True}, 200, "sharing_configuration:write"),
    (f"POST {ID}sharing/refresh/", {}, 200, "sharing_configuration:write"),
    (f"POST {ID}sharing/passwords/", {}, 201, "sharing_configuration:write"),
    (f"GET {ID}access_controls/", None, 200, "access_control:read"),
    (f"PUT {ID}access_controls/", {"access_level": "editor"}, 200, "access_control:write"),
    (f"GET {ID}global_access_controls/", None, 200, "access_control:read"),
    (f"GET {ID}resource_access_controls/", None, 200, "access_control:read"),
    (f"GET {ID}activity/", None, 200, "activity_log:read"),
    ("GET insights/activity/", None, 200, "activity_log:read"),
    (f"POST {ID}viewed/", None, 201, "insight:read"),
    ("POST insights/viewed/", {"insight_ids": [1]}, 201, "insight:read"),
    ("GET insights/my_last_viewed/", None, 200, "insight:read"),
    ("POST insights/cancel/", {"client_query_id": "none"}, 201, "insight:read"),
    (f"GET insights/funnel/?{FUNNEL}", None, 200, "insight:read"),
    ("POST insights/funnel/", {"events": [{"id": "a"}, {"id": "b"}]}, 200, "insight:read"),
    (f"GET insights/funnel/correlation/?{FUNNEL}", None, 200, "insight:read"),
    ("POST insights/funnel/correlation/", BODY, 200, "insight:read"),
    (f"GET persons/funnel/?{FUNNEL}&funnel_step=1", None, 200, "person:read"),
    ("POST persons/funnel/", {**BODY, "funnel_step": 1}, 200, "person:read"),
    ("POST person/funnel/", {**BODY, "funnel_step": 1}, 200, "person:read"),
    ("POST query/", {"query": SIGN_UP["source"]}, 200, "query:read"),
    (f"GET query/?query={quote(json.dumps(SIGN_UP['source']))}", None, 200, "query:read"),
    ("GET event_definitions/", None, 200, "event_definition:read"),
    ("GET property_definitions/", None, 200, "property_definition:read"),
    ("GET dashboards/", None, 200, "dashboard:read"),
    ("GET actions/", None, 200, "action:read"),
    ("POST actions/", {"name": "A"}, 201, "action:write"),
    ("GET cohorts/", None, 200, "cohort:read"),
    ("POST cohorts/", {"name": "C", "is_static": True}, 201, "cohort:write"),
    ("POST dashboards/", {"name": "D"}, 201, "dashboard:write"),
    ("GET /api/users/@me/", None, 200, "user:read"),
    ("GET /api/projects/", None, 200, "project:read"),
    ("GET /api/projects/@current/", None, 200, "project:read"),
    ("GET /api/organizations/", None, 200, "organization:read"),
    ("GET /api/organizations/@current/", None, 200, "organization:read"),
    ("GET /api/organizations/@current/projects/", None, 200, "project:read"),
    ("GET /api/organizations/@current/projects/@current/", None, 200, "project:read"),
]
NAMES = [request.partition("?")[0] for request, *_ in TABLE]


@pytest.mark.parametrize(("request_", "body", "status", "scope"), TABLE, ids=NAMES)
async def test_an_endpoint_answers_the_key_that_has_its_scope_and_no_other(
    api: Api, request_: str, body: object, status: int, scope: str
) -> None:
    made = await api.insight(name="A")
    share = {"enabled": True, "password_required": True}
    await api(f"PATCH insights/{made['id']}/sharing/", share)
    request = request_.replace("{id}", str(made["id"]))
    unscoped = await api(request, body, by=await api.key("survey:write"))
    unscoped.refuses(403, "permission_denied", f"API key missing required scope '{scope}'")
    answer = await api(request, body, by=await api.key(scope))
    assert answer.status == status, answer.body


@pytest.mark.parametrize(("request_", "body", "status", "scope"), TABLE, ids=NAMES)
async def test_an_endpoint_has_an_alias_short_ids_and_needs_no_final_slash(
    api: Api, request_: str, body: object, status: int, scope: str
) -> None:
    made = await api.insight(name="A")
    share = {"enabled": True, "password_required": True}
    await api(f"PATCH insights/{made['id']}/sharing/", share)
    method, _, path = request_.replace("{id}", made["short_id"]).partition(" ")
    path, mark, query = path.partition("?")
    project = api.here.project.id
    roots = [""] if path.startswith("/") else [
        f"/api/projects/{project}/",
        "/api/projects/@current/",
        f"/api/environments/{project}/",
        "/api/environments/@current/",
    ]  # fmt: skip
    for root in roots:
        for spelled in (path, path.removesuffix("/")):
            answer = await api(f"{method} {root}{spelled}{mark}{query}", body)
            assert answer.status == status, (root, spelled, answer.body)


async def test_deleting_an_insight_is_a_patch(api: Api) -> None:
    made = await api.insight(name="A")
    answer = await api(f"DELETE insights/{made['id']}/")
    answer.refuses(405, "method_not_allowed", 'Method "DELETE" not allowed.')
    assert {"GET", "PATCH", "PUT"} <= set(answer.headers["allow"].split(", "))
    assert (await api(f"GET insights/{made['id']}/")).status == 200


async def test_bodies_of_writes_that_answer_nothing_are_empty(api: Api) -> None:
    made = await api.insight(name="A")
    for request, body in (
        (f"POST insights/{made['id']}/viewed/", None),
        ("POST insights/viewed/", {"insight_ids": [made["id"]]}),
        ("POST insights/cancel/", {"client_query_id": "none"}),
    ):
        answer = await api(request, body)
        assert (answer.status, answer.body) == (201, "")


async def test_clients_that_label_a_missing_body_json_are_answered(api: Api) -> None:
    made = await api.insight(name="A")
    labelled = {"Content-Type": "application/json"}
    for request in (f"GET insights/{made['id']}/", "GET insights/", "GET /api/users/@me/"):
        assert (await api(request, headers=labelled)).status == 200
    for accept in ("*/*", "application/json", "text/plain", "image/png"):
        assert (await api("GET insights/", headers={"Accept": accept})).status == 200


# Called before insights


async def test_a_client_learns_who_it_is_and_where(api: Api) -> None:
    me = await api("GET /api/users/@me/")
    project = api.here.project
    organization = str(api.here.organization.id)
    me.says(
        200,
        id=api.here.ada,
        email="ada@example.com",
        first_name="Ada",
        team__id=project.id,
        team__organization=organization,
        organization__id=organization,
        organization__teams__0__id=project.id,
        organizations=[{"id": organization, "name": "Ours"}],
    )
    assert me.body["organization"]["teams"][0].keys() >= {"id", "name", "api_token", "timezone"}
    key = await api("GET /api/personal_api_keys/@current", by=await api.key("insight:read"))
    key.says(200, scopes=["insight:read"], scoped_teams=[], scoped_organizations=[])


async def test_projects_are_numbers_and_organizations_uuids(api: Api) -> None:
    project = (await api("GET /api/projects/@current/")).body
    assert project.keys() >= {"id", "uuid", "organization", "api_token", "name", "timezone"}
    assert project["id"] == api.here.project.id
    assert project["api_token"].startswith("phc_")
    page = await api("GET /api/projects/")
    page.says(200, count=1, next=None, previous=None, results=[project])
    organization = project["organization"]
    (await api(f"GET /api/organizations/{organization}/projects/")).says(200, results=[project])
    (await api(f"GET /api/organizations/{organization}/")).says(200, id=organization, name="Ours")
