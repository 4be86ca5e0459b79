"""insights-api.md, Sharing: the share command; what visitors see of it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contracts.api.talk import Answer, Api
from tests.whole import SIGN_UP

OFF: dict[str, Any] = {
    "created_at": None,
    "enabled": False,
    "access_token": None,
    "settings": None,
    "password_required": False,
    "share_passwords": [],
}


async def sharing_of(api: Api, **fields: Any) -> str:
    """The path of a new insight's sharing."""
    return f"insights/{(await api.insight(**fields))['id']}/sharing/"


async def shared(api: Api, path: str, change: Any = None) -> str:
    """The token with which visitors see what was shared just now."""
    answer = await api(f"PATCH {path}", {"enabled": True, **(change or {})})
    answer.says(200, enabled=True)
    return str(answer["access_token"])


async def visit(api: Api, path: str, **headers: str) -> Answer:
    """Without any key."""
    return await api(f"GET {path}", headers={"Authorization": "", **headers})


async def test_asking_makes_no_share(api: Api) -> None:
    path = await sharing_of(api)
    for _ in range(2):
        answer = await api(f"GET {path}")
        assert (answer.status, answer.body) == (200, OFF)


async def test_switching_on_makes_a_token_and_on_again_keeps_it(api: Api) -> None:
    path = await sharing_of(api)
    on = await api(f"PATCH {path}", {"enabled": True})
    on.says(200, enabled=True, settings=None, password_required=False)
    assert re.fullmatch(r"[A-Za-z0-9_-]{30,}", on["access_token"])
    assert on["created_at"] is not None
    assert (await api(f"PATCH {path}", {"enabled": True})).body == on.body
    assert (await api(f"GET {path}")).body == on.body
    off = await api(f"PATCH {path}", {"enabled": False})
    off.says(200, enabled=False)
    again = await api(f"PATCH {path}", {"enabled": True})
    assert again["access_token"] != on["access_token"]


async def test_a_token_that_was_switched_off_stays_dead_in_its_grace_too(api: Api) -> None:
    path = await sharing_of(api)
    first = await shared(api, path)
    rotated = await api(f"POST {path}refresh/")
    rotated.says(200, enabled=True)
    second = rotated["access_token"]
    assert second != first
    for token in (first, second):
        assert (await visit(api, f"/shared/{token}.json")).status == 200  # the grace period
    await api(f"PATCH {path}", {"enabled": False})
    third = await shared(api, path)
    for token in (first, second):
        assert (await visit(api, f"/shared/{token}.json")).status == 404
    assert (await visit(api, f"/shared/{third}.json")).status == 200


async def test_visitors_find_every_change_at_their_next_look(api: Api) -> None:
    path = await sharing_of(api, query=SIGN_UP)
    insight = f"{api.here.root}{path.removesuffix('sharing/')}"
    nobody = {"Authorization": ""}
    for turn in range(5):
        token = await shared(api, path, {"password_required": False})
        assert (await visit(api, f"/shared/{token}.json")).status == 200
        assert (await visit(api, f"{insight}?sharing_access_token={token}")).status == 200
        await api(f"PATCH {path}", {"password_required": True})
        assert (await visit(api, f"/shared/{token}.json")).status == 401
        password = f"turn number {turn}"
        await api(f"POST {path}passwords/", {"raw_password": password})
        unlocked = await api(f"POST /shared/{token}", {"password": password}, headers=nobody)
        unlocked.says(200)
        await api(f"PATCH {path}", {"enabled": False})
        assert (await visit(api, f"/shared/{token}.json")).status == 404
        refused = await api(f"POST /shared/{token}", {"password": password}, headers=nobody)
        assert refused.status == 404


async def test_rotating_keeps_settings_and_passwords(api: Api) -> None:
    path = await sharing_of(api)
    change = {"enabled": True, "settings": {"theme": "dark"}, "password_required": True}
    (await api(f"PATCH {path}", change)).says(200)
    (await api(f"POST {path}passwords/", {"raw_password": "correct horse"})).says(201)
    before = (await api(f"GET {path}")).body
    after = (await api(f"POST {path}refresh/")).body
    assert after["access_token"] != before["access_token"]
    del after["access_token"], before["access_token"]
    assert after == before


async def test_settings_keep_known_keys_only(api: Api) -> None:
    path = await sharing_of(api)
    known = {
        "whitelabel": True,
        "noHeader": True,
        "showInspector": False,
        "legend": True,
        "hideExtraDetails": True,
        "detailed": False,
        "theme": "system",
    }
    answer = await api(f"PATCH {path}", {"settings": {**known, "unknown": 1}})
    answer.says(200, settings=known)
    for wrong in ([1], "dark", 3):
        (await api(f"PATCH {path}", {"settings": wrong})).refuses(
            400, "invalid_input", attr="settings"
        )
    themes: tuple[Any, ...] = ("pink", ["dark"], {}, None)
    for theme in themes:
        (await api(f"PATCH {path}", {"settings": {"theme": theme}})).refuses(
            400, "invalid_choice", attr="settings__theme"
        )
    (await api(f"GET {path}")).says(200, settings=known)


async def test_a_password_is_shown_once(api: Api) -> None:
    path = await sharing_of(api)
    early = await api(f"POST {path}passwords/", {"raw_password": "correct horse"})
    early.refuses(400, "invalid_input", attr="password_required")
    await api(f"PATCH {path}", {"enabled": True, "password_required": True})
    (await api(f"POST {path}passwords/", {"raw_password": "seven77"})).refuses(
        400, "min_length", attr="raw_password"
    )
    chosen = await api(
        f"POST {path}passwords/", {"raw_password": "correct horse", "note": " for the board "}
    )
    chosen.says(201, password="correct horse", note="for the board")
    made = await api(f"POST {path}passwords/", {})
    made.says(201)
    assert len(made["password"]) >= 16
    listed = await api(f"GET {path}")
    assert [each["id"] for each in listed["share_passwords"]] == [chosen["id"], made["id"]]
    for answer in (listed, await api(f"GET {path.replace('sharing', 'activity')}?all=true")):
        assert "correct horse" not in str(answer.body)
    gone = await api(f"DELETE {path}passwords/{made['id']}/")
    assert (gone.status, gone.body) == (204, "")
    (await api(f"DELETE {path}passwords/{made['id']}/")).refuses(404, "not_found", "Not found.")
    (await api(f"DELETE {path}passwords/999999/")).refuses(404, "not_found", "Not found.")


async def test_who_may_see_and_who_may_change(api: Api) -> None:
    path = await sharing_of(api)
    reader = await api.key("sharing_configuration:read")
    assert (await api(f"GET {path}", by=reader)).status == 200
    for request in (
        f"PATCH {path}",
        f"POST {path}refresh/",
        f"POST {path}passwords/",
        f"DELETE {path}passwords/1/",
    ):
        (await api(request, {}, by=reader)).refuses(
            403,
            "permission_denied",
            "API key missing required scope 'sharing_configuration:write'",
        )
    for method in ("GET", "PATCH"):
        missing = await api(f"{method} insights/999999/sharing/", {} if method != "GET" else None)
        missing.refuses(404, "not_found", "Insight not found.")


async def test_activity_tells_of_switches_and_rotations(api: Api) -> None:
    path = await sharing_of(api, name="A")
    await api(f"PATCH {path}", {"enabled": True})
    await api(f"POST {path}refresh/")
    await api(f"PATCH {path}", {"enabled": False})
    entries = (await api(f"GET {path.replace('sharing', 'activity')}"))["results"]
    assert [entry["activity"] for entry in entries] == [
        "sharing disabled", "access token refreshed", "sharing enabled", "created",
    ]  # fmt: skip
    for entry, after in ((entries[0], False), (entries[2], True)):
        (change,) = entry["detail"]["changes"]
        assert (change["type"], change["action"], change["field"], change["after"]) == (
            "Insight", "changed", "sharing", after,
        )  # fmt: skip


# The public side


async def test_visitors_get_a_page_and_a_document_of_the_insight_and_nothing_else(
    api: Api,
) -> None:
    path = await sharing_of(api, name="A <b>", description="d", query=SIGN_UP, tags=["secret-tag"])
    token = await shared(api, path)
    page = await visit(api, f"/shared/{token}", Accept="text/html")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "A &lt;b&gt;" in page.body
    framed = await visit(api, f"/embedded/{token}", Accept="text/html")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    document = await visit(api, f"/shared/{token}.json")
    assert set(document["insight"]) == {
        "name", "derived_name", "description", "query", "filters", "result", "columns",
        "last_refresh", "timezone",
    }  # fmt: skip
    by_header = await visit(api, f"/shared/{token}", Accept="application/json")
    assert by_header.body == document.body
    for answer in (page, framed, document):
        for secret in ("ada@example.com", "secret-tag", api.here.project.api_token):
            assert secret not in str(answer.body)


async def test_whatever_is_not_shared_is_missing_alike(api: Api) -> None:
    path = await sharing_of(api)
    off = await shared(api, path)
    await api(f"PATCH {path}", {"enabled": False})
    gone_path = await sharing_of(api)
    gone = await shared(api, gone_path)
    await api(f"PATCH {gone_path.removesuffix('sharing/')}", {"deleted": True})
    pages = [
        await visit(api, f"/shared/{token}", Accept="text/html") for token in (off, gone, "none")
    ]
    assert [page.status for page in pages] == [404, 404, 404]
    assert len({page.body for page in pages}) == 1
    for token in (off, gone, "none"):
        assert (await visit(api, f"/shared/{token}.json")).status == 404


async def test_a_password_locks_the_page_and_opens_it_for_a_day(api: Api) -> None:
    path = await sharing_of(api, query=SIGN_UP)
    token = await shared(api, path, {"password_required": True})
    await api(f"POST {path}passwords/", {"raw_password": "correct horse"})
    assert (await visit(api, f"/shared/{token}.json")).status == 401
    locked = await visit(api, f"/shared/{token}", Accept="text/html")
    assert "signed_up" not in locked.body
    nobody = {"Authorization": ""}
    wrong = await api(f"POST /shared/{token}", {"password": "battery"}, headers=nobody)
    assert (wrong.status, set(wrong.body)) == (401, {"error"})
    right = await api(f"POST /shared/{token}", {"password": "correct horse"}, headers=nobody)
    right.says(200)
    cookie = right.headers["set-cookie"].lower()
    for part in ("httponly", f"path=/shared/{token}".lower(), "max-age=86400"):
        assert part in cookie
    api.here.client.cookies.clear()
    opened = {"Authorization": f"Bearer {right['shareToken']}"}
    assert (await api(f"GET /shared/{token}.json", headers=opened)).status == 200
    for shown in ("insights/", path.removesuffix("sharing/")):
        asked = f"{api.here.root}{shown}?sharing_access_token={token}"
        (await visit(api, asked)).refuses(403, "authentication_failed")
        forged = {"Authorization": f"{opened['Authorization'][:-2]}xx"}
        answer = await api(f"GET {asked}", headers=forged)
        answer.refuses(403, "authentication_failed")
        (await api(f"GET {asked}", headers=opened)).says(200)


@pytest.mark.parametrize(
    "path", ["insights/?sharing_access_token={}", "insights/{id}/?sharing_access_token={}"]
)
async def test_the_api_takes_a_share_token_for_that_one_insight(api: Api, path: str) -> None:
    made = await api.insight(name="A")
    other = await api.insight(name="B")
    token = await shared(api, f"insights/{made['id']}/sharing/")
    answer = await visit(api, api.here.root + path.replace("{id}", str(made["id"])).format(token))
    answer.says(200)
    body = answer["results"][0] if "{id}" not in path else answer.body
    assert (body["id"], body["effective_restriction_level"]) == (made["id"], 37)
    assert body["effective_privilege_level"] == 21
    if "{id}" in path:
        foreign = path.replace("{id}", str(other["id"])).format(token)
        (await visit(api, api.here.root + foreign)).refuses(404, "not_found")
    else:
        assert answer["count"] == 1
    wrong = await visit(api, api.here.root + path.replace("{id}", str(made["id"])).format("none"))
    wrong.refuses(403, "authentication_failed", "Sharing access token is invalid.")


@pytest.mark.parametrize("locked", [False, True])
async def test_the_token_of_a_deleted_insight_leads_to_nothing(api: Api, locked: bool) -> None:
    """A right token, unlike one that is wrong or switched off."""
    made, other = await api.insight(name="A"), await api.insight(name="B")
    sharing = f"insights/{made['id']}/sharing/"
    token = await shared(api, sharing)
    await api(f"PATCH {sharing}", {"password_required": locked})
    await api(f"PATCH insights/{made['id']}/", {"deleted": True})
    for path in ("insights/", f"insights/{made['id']}/", f"insights/{other['id']}/"):
        answer = await visit(api, f"{api.here.root}{path}?sharing_access_token={token}")
        answer.refuses(404, "not_found", "Not found.")
    await api(f"PATCH insights/{made['id']}/", {"deleted": False})
    path = f"{api.here.root}insights/{made['id']}/?sharing_access_token={token}"
    assert (await visit(api, path)).status == (403 if locked else 200)
    await api(f"PATCH {sharing}", {"enabled": False})
    await api(f"PATCH insights/{made['id']}/", {"deleted": True})
    (await visit(api, path)).refuses(403, "authentication_failed")


async def test_a_share_token_changes_nothing(api: Api) -> None:
    made = await api.insight(name="A")
    token = await shared(api, f"insights/{made['id']}/sharing/")
    change = f"PATCH insights/{made['id']}/?sharing_access_token={token}"
    refused = await api(change, {"name": "B"}, headers={"Authorization": ""})
    only_looks = "Sharing access token can only be used for GET requests."
    refused.refuses(403, "authentication_failed", only_looks)
    (await api(f"GET insights/{made['id']}/")).says(200, name="A")


async def test_a_shared_correlation_is_a_table_on_its_page(api: Api) -> None:
    at = datetime.now(UTC) - timedelta(hours=10)
    await api.here.happened(
        ("opened", "ada", at),
        ("toured", "ada", at + timedelta(minutes=1)),
        ("bought", "ada", at + timedelta(minutes=2)),
        ("opened", "bob", at),
    )
    series = [{"kind": "EventsNode", "event": name} for name in ("opened", "bought")]
    funnel = {"kind": "FunnelsQuery", "series": series}
    actors = {"kind": "FunnelsActorsQuery", "source": funnel}
    path = await sharing_of(api, query={"kind": "FunnelCorrelationQuery", "source": actors})
    page = await visit(api, f"/shared/{await shared(api, path)}", Accept="text/html")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "What goes along with converting" in page.body
    assert '<th scope="row">toured</th><td class="number">1</td>' in page.body
