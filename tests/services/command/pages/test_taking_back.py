"""Reverting and undoing on pages: looked at first, then done as it was shown, or not at all."""

import re
from html import unescape
from typing import Any

import pytest
from httpx import AsyncClient, Response

from services.common.accounts import administration
from tests.services.query.pages.test_insights_page import signed_in
from tests.whole import Whole

PAGES = "/projects/@current/insights/"


async def renamed(whole: Whole, *names: str) -> int:
    """An insight that was called so, one after the other."""
    made = await whole.create(name=names[0])
    for name in names[1:]:
        await edit(whole, made["id"], name=name)
    return int(made["id"])


async def edit(whole: Whole, number: int, headers: Any = None, **fields: Any) -> str:
    """The operation's id."""
    path = f"{whole.insights}{number}/"
    answer = await whole.client.patch(path, json=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["Insights-Operation"]


async def name_of(whole: Whole, number: int) -> str:
    answer = await whole.client.get(f"{whole.insights}{number}/")
    return str(answer.json()["name"])


def form(page: Response) -> dict[str, str]:
    """The fields of the page's form, as a browser sends them."""
    assert page.status_code == 200, page.text
    main = page.text.partition("<main")[2]
    fields = re.findall(r'<input name="([^"]+)" value="([^"]*)"', main)
    return {name: unescape(value) for name, value in fields}


def said(page: Response, heading: str) -> list[str]:
    """The list below a heading."""
    below = page.text.partition(f">{heading}</h2>")[2].partition("</section>")[0]
    return [unescape(re.sub(r"<[^>]+>", "", item)) for item in re.findall(r"<li>(.*?)</li>", below)]


async def pressed(client: AsyncClient, page: Response, **other: str) -> Response:
    return await client.post(page.url.path, data=form(page) | other)


async def test_a_revert_is_shown_and_then_done(whole: Whole) -> None:
    number = await renamed(whole, "Visits", "Sign-ups", "Payments")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    assert "<h1>Put it back to version 1?</h1>" in page.text
    assert said(page, "What would change now") == ['Renamed from "Payments" to "Visits".']
    assert "Its numbers stay the same." in said(page, "Good to know")
    assert await name_of(whole, number) == "Payments"
    done = await pressed(client, page)
    insight = f"/projects/{whole.project.id}/insights/{number}/"
    assert (done.status_code, done.headers["location"]) == (303, f"{insight}?made=4#v4")
    after = await client.get(done.headers["location"])
    assert "<h1>Visits</h1>" in after.text
    assert "Done: version 4 is the newest now." in after.text
    assert await name_of(whole, number) == "Visits"
    # It is as it was then: there is nothing left to do.
    again = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    assert "it is as it was then" in again.text
    assert "<button>Put it back" not in again.text


async def test_an_undo_tells_what_was_done_and_keeps_what_came_later(whole: Whole) -> None:
    number = await renamed(whole, "Visits")
    operation = await edit(whole, number, name="Payments")
    await edit(whole, number, description="Of last week")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/undo/", params={"operation_id": operation})
    assert "<h1>Undo version 2?</h1>" in page.text
    assert said(page, "What it did") == ['Renamed from "Visits" to "Payments".']
    assert "by Ada" in page.text
    assert said(page, "What would change now") == ['Renamed from "Payments" to "Visits".']
    assert (await pressed(client, page)).status_code == 303
    body = (await whole.client.get(f"{whole.insights}{number}/")).json()
    assert (body["name"], body["description"]) == ("Visits", "Of last week")
    already = await client.get(f"{PAGES}{number}/undo/", params={"operation_id": operation})
    assert "it is undone already" in already.text


async def test_what_stands_in_the_way_is_told_and_the_rest_can_be_undone(whole: Whole) -> None:
    number = await renamed(whole, "Visits")
    operation = await edit(whole, number, name="Payments", description="Of last week")
    bob = await whole.member("bob@recount.example")
    await edit(whole, number, await whole.key(user_id=bob), name="<b>Refunds</b>")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/undo/", params={"operation_id": operation})
    assert page.status_code == 409
    assert "1 of 2 changes have been changed since." in page.text
    assert "<h3>name</h3>" in page.text
    assert "<code>&#34;Payments&#34;</code>" in page.text
    assert "<code>&#34;&lt;b&gt;Refunds&lt;/b&gt;&#34;</code>" in page.text
    assert "Changed since by bob (<a" in page.text
    (rest,) = re.findall(r'href="([^"]*only_free=true)"', page.text)
    free = await client.get(f"{PAGES}{number}/undo/{unescape(rest)}")
    assert said(free, "What would change now") == ["Description changed."]
    assert (await pressed(client, free)).status_code == 303
    body = (await whole.client.get(f"{whole.insights}{number}/")).json()
    assert (body["name"], body["description"]) == ("<b>Refunds</b>", None)


async def test_what_others_have_changed_can_be_deleted_all_the_same(whole: Whole) -> None:
    made = await whole.create(name="Visits")
    number = made["id"]
    versions = (await whole.client.get(f"{whole.insights}{number}/versions/")).json()
    operation = versions["results"][0]["operation_id"]
    bob = await whole.member("bob@recount.example")
    await edit(whole, number, await whole.key(user_id=bob), name="Refunds")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/undo/", params={"operation_id": operation})
    assert page.status_code == 409
    assert "Others have changed it since it was made." in page.text
    (forced,) = re.findall(r'href="([^"]*force=true)"', page.text)
    shown = await client.get(f"{PAGES}{number}/undo/{unescape(forced)}")
    assert said(shown, "What would change now") == ["Deleted."]
    await pressed(client, shown)
    assert (await whole.client.get(f"{whole.insights}{number}/")).status_code == 404


async def test_a_plan_holds_until_something_moves(whole: Whole) -> None:
    number = await renamed(whole, "Visits", "Sign-ups")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    await edit(whole, number, description="Meanwhile")
    moved = await pressed(client, page)
    assert moved.status_code == 412
    assert "?to=v1" in moved.text
    assert "Look at what would change now" in moved.text
    assert await name_of(whole, number) == "Sign-ups"
    fresh = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    for other, status in (({"to": "v2"}, 422), ({"plan": "plan-AAAA"}, 400), ({"plan": ""}, 400)):
        assert (await pressed(client, fresh, **other)).status_code == status, other
    assert (await pressed(client, fresh)).status_code == 303


async def test_only_a_form_of_the_session_itself_is_taken(whole: Whole) -> None:
    number = await renamed(whole, "Visits", "Sign-ups")
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    token = form(page)["token"]
    for other in ({"token": ""}, {"token": token[:-1]}):
        refused = await pressed(client, page, **other)
        assert refused.status_code == 403, other
        assert "load that page again" in refused.text
    elsewhere = {"Sec-Fetch-Site": "same-site"}
    assert (await client.post(page.url.path, data=form(page), headers=elsewhere)).status_code == 403
    old = client.cookies["recount_page"]
    client.cookies.clear()
    signed_out = await client.post(page.url.path, data=form(page))
    assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/login/")
    # Somebody else's token is none; nor is one of an older session of one's own.
    bob = await administration.create_key(whole.pool, await whole.member("bob@recount.example"))
    await client.post("/login/", data={"key": bob.key})
    assert client.cookies["recount_page"] != old
    assert (await client.post(page.url.path, data=form(page))).status_code == 403
    assert await name_of(whole, number) == "Sign-ups"


async def test_the_rights_are_those_of_the_api(whole: Whole) -> None:
    number = await renamed(whole, "Visits", "Sign-ups")
    reads = await administration.create_key(whole.pool, whole.ada, scopes=["insight:read"])
    client = whole.client
    await client.post("/login/", data={"key": reads.key})
    page = await client.get(f"{PAGES}{number}/")
    assert "Compare with version 1" in page.text
    assert "revert/" not in page.text
    assert "undo/" not in page.text
    refused = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    assert refused.status_code == 403
    assert "insight:write" in refused.text
    await client.put(f"{whole.insights}{number}/access_controls/", json={"access_level": "viewer"})
    bob = await administration.create_key(whole.pool, await whole.member("bob@recount.example"))
    await client.post("/login/", data={"key": bob.key})
    assert "revert/" not in (await client.get(f"{PAGES}{number}/")).text
    for asked in ({"to": "v1"}, {"to": "v2"}):
        closed = await client.get(f"{PAGES}{number}/revert/", params=asked)
        assert closed.status_code == 403
        assert "Sign-ups" not in closed.text


@pytest.mark.parametrize(
    ("page", "asked", "status"),
    [
        ("revert", {"to": "v99"}, 404),
        ("revert", {"to": "7"}, 400),
        ("revert", {}, 400),
        ("undo", {"operation_id": "00000000-0000-4000-8000-000000000000"}, 404),
        ("undo", {"operation_id": "x"}, 400),
        ("undo", {}, 400),
    ],
)
async def test_what_can_not_be_asked_for_is_a_page_that_says_so(
    whole: Whole, page: str, asked: dict[str, str], status: int
) -> None:
    number = await renamed(whole, "Visits")
    client = await signed_in(whole)
    refused = await client.get(f"{PAGES}{number}/{page}/", params=asked)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "text/html; charset=utf-8"
    assert "To the insights" in refused.text
    assert "style-src 'sha256-" in refused.headers["content-security-policy"]
    assert (await client.get(f"{PAGES}99/{page}/", params=asked)).status_code in (400, 404)


async def test_a_deleted_version_is_no_place_to_go_back_to_and_a_deleted_insight_comes_back(
    whole: Whole,
) -> None:
    number = await renamed(whole, "Visits")
    await edit(whole, number, deleted=True)
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/")
    assert "revert/?to=v1" in page.text
    assert "revert/?to=v2" not in page.text
    assert (await client.get(f"{PAGES}{number}/revert/", params={"to": "v2"})).status_code == 409
    back = await client.get(f"{PAGES}{number}/revert/", params={"to": "v1"})
    assert said(back, "What would change now") == ["Restored."]
    await pressed(client, back)
    assert await name_of(whole, number) == "Visits"


async def test_what_depends_on_it_and_what_does_not_come_back_is_told(whole: Whole) -> None:
    boards = []
    for name in ("Growth", "Gone"):
        made = await whole.client.post(f"{whole.root}dashboards/", json={"name": name})
        boards.append(made.json()["id"])
    created = await whole.create(name="Visits", dashboards=boards)
    number, path = created["id"], f"{whole.root}dashboards/{boards[1]}/"
    await edit(whole, number, name="Guests", dashboards=boards[:1])
    await whole.client.patch(path, json={"deleted": True})
    await whole.client.patch(f"{whole.insights}{number}/sharing/", json={"enabled": True})
    versions = (await whole.client.get(f"{whole.insights}{number}/versions/")).json()["results"]
    first = versions[-1]["version"]
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{number}/revert/", params={"to": f"v{first}"})
    assert said(page, "What would change now") == ['Renamed from "Guests" to "Visits".']
    assert said(page, "Good to know") == [
        "Its numbers stay the same.",
        "It is on the dashboard “Growth”: it changes there, too.",
        "It is shared: whoever has its address sees the change.",
        "It does not come back on the dashboard “Gone”: gone, or not yours to edit.",
        "This makes a new version. All others stay, and it can be undone itself.",
    ]
    assert (await pressed(client, page)).status_code == 303


async def test_an_operation_that_did_more_is_undone_here_alone(whole: Whole) -> None:
    numbers = [await renamed(whole, name) for name in ("Visits", "Guests", "Payments")]
    bulk = {"ids": numbers, "set": {"favorited": True}}
    answer = await whole.client.post(f"{whole.insights}bulk/", json=bulk)
    operation = answer.json()["operation_id"]
    client = await signed_in(whole)
    page = await client.get(f"{PAGES}{numbers[0]}/undo/", params={"operation_id": operation})
    assert "It changed 2 other things, too: those stay." in page.text
    assert (await pressed(client, page)).status_code == 303
    favorited = [
        (await whole.client.get(f"{whole.insights}{number}/")).json()["favorited"]
        for number in numbers
    ]
    assert favorited == [False, True, True]
