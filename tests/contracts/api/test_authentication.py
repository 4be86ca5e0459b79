"""insights-api.md, Authentication, scopes, projects."""

import asyncio

import pytest

from services.common.accounts import administration
from tests.contracts.api.talk import Api
from tests.waiting import seen

NOBODY = {"Authorization": ""}


def text_of(key: dict[str, str]) -> str:
    return key["Authorization"].removeprefix("Bearer ")


async def test_the_header_goes_before_the_body_and_the_body_before_the_query(api: Api) -> None:
    """Only the first that is found is tried."""
    good = text_of(await api.key())
    bad = "phx_" + "x" * 43
    for by, in_body, in_query, status in (
        ({"Authorization": f"Bearer {good}"}, bad, bad, 201),
        (NOBODY, good, bad, 201),
        (NOBODY, None, good, 201),
        ({"Authorization": f"Bearer {bad}"}, good, good, 401),
        (NOBODY, bad, good, 401),
        (NOBODY, None, bad, 401),
    ):
        body = {"name": "A"} | ({"personal_api_key": in_body} if in_body else {})
        answer = await api(f"POST insights/?personal_api_key={in_query}", body, by=by)
        assert answer.status == status, (by, in_body, in_query)


async def test_without_a_key_and_with_a_wrong_one(api: Api) -> None:
    nobody = await api("GET insights/", by=NOBODY)
    nobody.refuses(401, "not_authenticated", "Authentication credentials were not provided.")
    assert nobody.headers["www-authenticate"] == "Bearer"
    for wrong in ("phx_wrong", api.here.project.api_token):
        answer = await api("GET insights/", by={"Authorization": f"Bearer {wrong}"})
        answer.refuses(
            401,
            "authentication_failed",
            "Personal API key found in request Authorization header is invalid.",
        )


async def test_write_implies_read_and_read_does_not_imply_write(api: Api) -> None:
    writer, reader = await api.key("insight:write"), await api.key("insight:read")
    assert (await api("GET insights/", by=writer)).status == 200
    refused = await api("POST insights/", {}, by=reader)
    refused.refuses(403, "permission_denied", "API key missing required scope 'insight:write'")
    assert (await api("GET insights/", by=await api.key("*"))).status == 200


async def test_actions_without_a_scope_of_their_own_need_insight_read(api: Api) -> None:
    """PostHog refuses scoped keys here; serving them is what its docs promise."""
    made = await api.insight()
    for request in (
        f"POST insights/{made['id']}/viewed/",
        "POST insights/viewed/",
        "GET insights/my_last_viewed/",
        "POST insights/cancel/",
    ):
        body = {"insight_ids": [made["id"]], "client_query_id": "x"} if "POST" in request else None
        answer = await api(request, body, by=await api.key("dashboard:read"))
        answer.refuses(403, "permission_denied", "API key missing required scope 'insight:read'")
        assert (await api(request, body, by=await api.key("insight:read"))).status in (200, 201)


@pytest.mark.parametrize("limit", ["team_ids", "organization_ids"])
async def test_a_limited_key_opens_its_own_projects_alone(api: Api, limit: str) -> None:
    here = api.here
    twin = await administration.create_project(here.pool, here.organization.id, f"Twin {limit}")
    user = await here.member(f"{limit}@example.com")
    await administration.create_user(
        here.pool, f"{limit}@example.com", here.foreign.organization_id
    )
    # Limited to the twin, or to the other organization: the shop stays closed either way.
    inside = twin.id if limit == "team_ids" else here.foreign.id
    issued = await administration.create_key(
        here.pool,
        user,
        team_ids=[twin.id] if limit == "team_ids" else None,
        organization_ids=[here.foreign.organization_id] if limit == "organization_ids" else None,
    )
    key = {"Authorization": f"Bearer {issued.key}"}
    (await api(f"GET /api/projects/{inside}/insights/", by=key)).says(200)
    (await api("GET insights/", by=key)).refuses(
        403, "permission_denied", "You don't have access to the project."
    )
    projects = await api("GET /api/projects/", by=key)
    assert [each["id"] for each in projects["results"]] == [inside]


async def test_a_project_of_others_is_closed_and_one_that_is_not_is_not_found(api: Api) -> None:
    (await api(f"GET {api.elsewhere}insights/")).refuses(
        403, "permission_denied", "You don't have access to the project."
    )
    for reference in ("999999", "abc", "-1", "1.0"):
        (await api(f"GET /api/projects/{reference}/insights/")).refuses(
            404, "not_found", "Project not found."
        )


async def test_a_revoked_key_is_dead_within_a_second(api: Api) -> None:
    issued = await administration.create_key(api.here.pool, api.here.ada)
    key = {"Authorization": f"Bearer {issued.key}"}
    assert (await api("GET insights/", by=key)).status == 200
    await administration.revoke_key(api.here.pool, issued.id)

    async def dead() -> bool:
        return (await api("GET insights/", by=key)).status == 401

    await seen(dead, bool)


async def test_last_used_at_is_told(api: Api) -> None:
    key = await api.key("insight:read")
    (await api("GET /api/personal_api_keys/@current/", by=key)).says(200)
    second = await api("GET /api/personal_api_keys/@current/", by=key)
    assert second["last_used_at"] is not None
    again = await api("GET /api/personal_api_keys/@current/", by=key)
    assert again["last_used_at"] == second["last_used_at"]  # at most once an hour


# Dashboards and projects


async def test_a_dashboard_is_made_read_changed_and_never_destroyed(api: Api) -> None:
    made = await api("POST dashboards/", {"name": "D", "description": "d"})
    made.says(201, name="D", description="d", deleted=False, tiles=[], restriction_level=21)
    insight = await api.insight(name="A", dashboards=[made["id"]])
    path = f"dashboards/{made['id']}/"
    read = await api(f"GET {path}")
    read.says(200, tiles__0__insight__id=insight["id"], filters={})
    assert read["tiles"][0]["deleted"] in (None, False)
    assert read["tiles"][0].keys() >= {"id", "insight", "color", "layouts"}
    (await api(f"PATCH {path}", {"name": "E"})).says(200, name="E")
    (await api(f"DELETE {path}")).refuses(405, "method_not_allowed")
    page = await api("GET dashboards/")
    assert made["id"] in [each["id"] for each in page["results"]]
    (await api(f"PATCH {path}", {"deleted": True, "delete_insights": True})).says(200)
    (await api(f"GET {path}")).refuses(404, "not_found")
    (await api(f"GET insights/{insight['id']}/")).refuses(404, "not_found")
    assert made["id"] not in [e["id"] for e in (await api("GET dashboards/?limit=1000"))["results"]]


async def test_projects_are_made_and_changed(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("chief@example.com", level=8))
    made = await api(
        "POST /api/organizations/@current/projects/",
        {"name": "New", "timezone": "Europe/Berlin"},
        by=boss,
    )
    made.says(201, name="New", timezone="Europe/Berlin")
    assert made["api_token"].startswith("phc_")
    path = f"/api/projects/{made['id']}/"
    filters = [{"key": "email", "value": "@recount", "operator": "not_icontains", "type": "person"}]
    change = {"name": "Newer", "timezone": "UTC", "test_account_filters": filters}
    (await api(f"PATCH {path}", change, by=boss)).says(200, **change)
    (await api(f"GET {path}", by=boss)).says(200, **change)
    wrong = await api(f"PATCH {path}", {"timezone": "Mars/Olympus"}, by=boss)
    assert (wrong.status, wrong["attr"]) == (400, "timezone")


async def test_projects_are_made_and_read_below_their_organization_or_without_it(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("founder@example.com", level=8))
    made = await api("POST /api/projects/", {"name": "Plain"}, by=boss)
    made.says(201, name="Plain", organization=str(api.here.organization.id))
    for organization in ("@current", api.here.organization.id):
        path = f"GET /api/organizations/{organization}/projects/{made['id']}/"
        answer = await api(path, by=boss)
        assert (answer.status, answer.body) == (200, made.body)
        nowhere = await api(f"GET /api/organizations/{organization}/projects/99999/", by=boss)
        nowhere.refuses(404, "not_found", "Project not found.")
    # Below another organization that its reader is in as well, it is not.
    other = api.here.foreign.organization_id
    reader = await api.here.member("both@example.com")
    await administration.create_user(api.here.pool, "both@example.com", other)
    both = await api.key(user_id=reader)
    below = f"GET /api/organizations/{other}/projects/"
    (await api(f"{below}{made['id']}/", by=both)).refuses(404, "not_found")
    (await api(f"{below}{api.here.foreign.id}/", by=both)).says(200, id=api.here.foreign.id)


async def test_settings_of_a_project_are_changed_under_a_condition(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("boss@example.com", level=8))
    # Made by the command line: nothing of it is in the log yet.
    project = await administration.create_project(
        api.here.pool, api.here.organization.id, "Shop", "Europe/Berlin"
    )
    path = f"/api/projects/{project.id}/"
    read = await api(f"GET {path}", by=boss)
    tag = {"If-Match": read.headers["etag"]}
    first = await api(f"PATCH {path}", {"name": "Web shop"}, by=boss, headers=tag)
    first.says(200, name="Web shop", timezone="Europe/Berlin")
    seen = {"Insights-Position": first.headers["insights-position"]}
    again = await api(f"GET {path}", by=boss, headers=seen)
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])
    unchanged = await api(f"GET {path}", by=boss, headers={"If-None-Match": again.headers["etag"]})
    assert unchanged.status == 304
    late = await api(f"PATCH {path}", {"name": "Store"}, by=boss, headers=tag)
    late.refuses(412, "stale", "Edited since you read it.")
    (change,) = late["changes"]
    assert (change["field"], change["before"], change["after"]) == ("name", "Shop", "Web shop")
    for alias in (path, f"/api/environments/{project.id}/"):
        (await api(f"GET {alias}", by=boss)).says(200, name="Web shop")


async def test_a_repeated_change_of_a_project_is_made_once(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("twice@example.com", level=8))
    made = await api("POST /api/organizations/@current/projects/", {"name": "Once"}, by=boss)
    path, key = f"/api/projects/{made['id']}/", {"Idempotency-Key": "rename"}
    first = await api(f"PATCH {path}", {"name": "Twice"}, by=boss, headers=key)
    await api(f"PATCH {path}", {"name": "Thrice"}, by=boss)
    again = await api(f"PATCH {path}", {"name": "Twice"}, by=boss, headers=key)
    assert (again.status, again.body) == (200, first.body)
    (await api(f"GET {path}", by=boss)).says(200, name="Thrice")
    other = await api(f"PATCH {path}", {"name": "Else"}, by=boss, headers=key)
    other.refuses(422, "idempotency_key_reused")


async def test_a_project_is_made_once_under_a_key_whatever_path_asks(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("maker@example.com", level=8))
    key, body = {"Idempotency-Key": "make"}, {"name": "One", "timezone": "Asia/Tokyo"}
    paths = ("/api/projects/", "/api/organizations/@current/projects/")
    answers = await asyncio.gather(
        *(api(f"POST {path}", body, by=boss, headers=key) for path in paths * 3)
    )
    first = answers[0]
    first.says(201, name="One", timezone="Asia/Tokyo")
    for again in answers:
        assert (again.status, again.body, again.headers["etag"]) == (
            201, first.body, first.headers["etag"],
        )  # fmt: skip
    # As it was made, whatever became of it.
    await api(f"PATCH /api/projects/{first['id']}/", {"name": "Renamed"}, by=boss)
    later = await api(f"POST {paths[0]}", body, by=boss, headers=key)
    assert (later.status, later.body) == (201, first.body)
    other = await api(f"POST {paths[0]}", {"name": "Two"}, by=boss, headers=key)
    other.refuses(422, "idempotency_key_reused")
    # Another key of the API, another request.
    also = await api.key(user_id=await api.here.member("maker@example.com", level=8))
    twin = await api(f"POST {paths[0]}", body, by=also, headers=key)
    assert (twin.status, twin["id"] != first["id"]) == (201, True)
    malformed = await api(f"POST {paths[0]}", body, by=boss, headers={"Idempotency-Key": "k" * 256})
    malformed.refuses(400, "invalid_input", attr="Idempotency-Key")


async def test_a_new_timezone_counts_from_the_next_request_on(api: Api) -> None:
    boss = await api.key(user_id=await api.here.member("zone@example.com", level=8))
    made = await api("POST /api/organizations/@current/projects/", {"name": "Z"}, by=boss)
    root = f"/api/projects/{made['id']}/"
    funnel = {"events": [{"id": "a"}, {"id": "b"}], "date_from": "2024-01-10"}
    for zone, start in (("Asia/Tokyo", "2024-01-09T15"), ("America/Lima", "2024-01-10T05")):
        (await api(f"PATCH {root}", {"timezone": zone}, by=boss)).says(200, timezone=zone)
        answer = await api(f"POST {root}insights/funnel/", funnel, by=boss)
        answer.says(200, timezone=zone)
        assert answer["resolved_date_range"]["date_from"].startswith(start)


async def test_what_has_not_changed_is_not_sent_again(api: Api) -> None:
    for path in (
        "/api/users/@me/", "/api/projects/", "/api/projects/@current/", "/api/organizations/",
        "/api/organizations/@current/", "/api/organizations/@current/projects/",
    ):  # fmt: skip
        tag = (await api(f"GET {path}")).headers["etag"]
        again = await api(f"GET {path}", headers={"If-None-Match": tag})
        assert (again.status, again.body, again.headers["etag"]) == (304, "", tag), path
    members = "GET /api/organizations/@current/members/"
    known = {"If-None-Match": (await api(members)).headers["etag"]}
    assert (await api(members, headers=known)).status == 304
    await api.member("newcomer")
    assert (await api(members, headers=known)).status == 200
