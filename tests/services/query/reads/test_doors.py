"""Who may read what: every route, with a foreign key, a foreign project, and no scope."""

import pytest

from contracts.events.viewing import InsightViewed
from tests.examples import INSIGHT, created
from tests.services.projector.projecting import insight, viewing
from tests.services.query.reads.reading import Reading

ROUTES = {
    "insights/": "insight:read",
    f"insights/{INSIGHT}/": "insight:read",
    "insights/my_last_viewed/": "insight:read",
    f"insights/{INSIGHT}/activity/": "activity_log:read",
    "insights/activity/": "activity_log:read",
    f"insights/{INSIGHT}/sharing/": "sharing_configuration:read",
    "": "project:read",
}
ROOTS = ["/api/projects/{}/", "/api/environments/{}/"]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", ROUTES)
async def test_a_project_of_others_is_closed(api: Reading, root: str, path: str) -> None:
    await api.projector.append(created())
    await api.projector.catch_up()
    ours, theirs, nobodys = (root.format(team) + path for team in (1, 2, 3))
    assert (await api.get(ours)).status_code == 200
    for url, by in ((theirs, "alice"), (ours, "carol"), (ours, "elsewhere")):
        answer = await api.get(url, by=by)
        assert answer.status_code == 403
        assert answer.json() == {
            "type": "authentication_error",
            "code": "permission_denied",
            "detail": "You don't have access to the project.",
            "attr": None,
        }
    missing = await api.get(nobodys)
    assert (missing.status_code, missing.json()["detail"]) == (404, "Project not found.")


@pytest.mark.parametrize(("path", "scope"), ROUTES.items())
async def test_a_key_without_the_scope_is_told_which(api: Reading, path: str, scope: str) -> None:
    answer = await api.get(path, by="cohorts")
    assert answer.status_code == 403
    assert answer.json()["detail"] == f"API key missing required scope '{scope}'"


@pytest.mark.parametrize("path", [*ROUTES, "/api/users/@me/", "/api/projects/"])
async def test_nobody_reads_without_a_key(api: Reading, path: str) -> None:
    url = path if path.startswith("/") else f"/api/projects/1/{path}"
    answer = await api.client.get(url)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_nothing_of_another_project_is_ever_shown(api: Reading) -> None:
    theirs = created(insight_id=50, short_id="theirs00", name="Secret")
    await api.projector.append(created(name="Ours"))
    await api.projector.append(theirs, of=insight(50, team_id=2))
    # A view of theirs, by a user of ours, as no rule would allow it.
    await api.projector.append(InsightViewed(50, 1), of=viewing(1, team_id=2))
    await api.projector.catch_up()
    for path in (
        "insights/",
        "insights/?search=secret",
        "insights/?short_id=theirs00",
        "insights/activity/?all=true",
        "insights/my_last_viewed/",
    ):
        answer = await api.get(path)
        assert answer.status_code == 200
        assert "Secret" not in answer.text, path
        assert "theirs00" not in answer.text.replace("short_id=theirs00", ""), path
    assert (await api.get("insights/")).json()["count"] == 1
    for reference in ("50", "theirs00"):
        for path in ("", "sharing/", "activity/"):
            assert (await api.get(f"insights/{reference}/{path}")).status_code == 404
    assert (await api.get("/api/projects/2/insights/50/", by="carol")).status_code == 200


async def test_a_cursor_of_another_project_shows_nothing_of_it(api: Reading) -> None:
    for number in range(1, 5):
        await api.projector.append(
            created(insight_id=number, short_id=f"theirs{number:02}", name="Secret"),
            of=insight(number, team_id=2),
        )
    await api.projector.append(created(name="Ours"))
    await api.projector.catch_up()
    theirs = (await api.get("/api/projects/2/insights/?limit=2", by="carol")).json()["next"]
    _, _, query = theirs.partition("?")
    answer = await api.get(f"insights/?{query}")
    assert answer.status_code == 200
    assert "Secret" not in answer.text


# Accounts


async def test_a_user_sees_who_and_where_they_are(api: Reading) -> None:
    body = (await api.get("/api/users/@me/")).json()
    assert (body["id"], body["email"], body["first_name"]) == (1, "alice@example.com", "Alice")
    assert body["team"]["id"] == 1
    assert body["team"]["organization"] == body["organization"]["id"]
    assert [team["id"] for team in body["organization"]["teams"]] == [1]
    assert body["organizations"] == [{"id": body["organization"]["id"], "name": "Ours"}]
    assert set(body["organization"]["teams"][0]) >= {"id", "name", "api_token", "timezone"}


async def test_a_key_that_may_enter_no_project_has_no_team(api: Reading) -> None:
    body = (await api.get("/api/users/@me/", by="elsewhere")).json()
    assert (body["team"], body["organization"]["teams"]) == (None, [])


async def test_every_key_may_ask_what_it_is(api: Reading) -> None:
    body = (await api.get("/api/personal_api_keys/@current", by="cohorts")).json()
    assert (body["scopes"], body["scoped_teams"], body["scoped_organizations"]) == (
        ["cohort:read"],
        [],
        [],
    )
    assert "phx_" not in str(body)


@pytest.mark.parametrize("path", ["/api/projects/", "/api/organizations/@current/projects/"])
async def test_projects_are_those_the_key_may_enter(api: Reading, path: str) -> None:
    body = (await api.get(path)).json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (project,) = body["results"]
    assert (project["id"], project["name"], project["timezone"]) == (1, "One", "Europe/Berlin")
    assert project["api_token"].startswith("phc_")
    assert (await api.get(path, by="elsewhere")).json()["results"] == []
    assert project == (await api.get("/api/projects/@current")).json()


async def test_organizations_of_others_are_not_there(api: Reading) -> None:
    (ours,) = (await api.get("/api/organizations/")).json()["results"]
    (theirs,) = (await api.get("/api/organizations/", by="carol")).json()["results"]
    assert (ours["name"], ours["membership_level"]) == ("Ours", 8)
    assert (await api.get(f"/api/organizations/{ours['id']}/")).json() == ours
    assert (await api.get("/api/organizations/@current/")).json() == ours
    for reference in (theirs["id"], "x", "1"):
        for path in ("", "projects/"):
            answer = await api.get(f"/api/organizations/{reference}/{path}")
            assert answer.status_code == 404
