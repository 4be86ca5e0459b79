"""The page of one insight, and two of its versions side by side."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.common.accounts import administration
from tests.services.query.pages.test_insights_page import signed_in
from tests.whole import SIGN_UP, Whole


async def edited(whole: Whole) -> dict[str, Any]:
    """A funnel of which two of three paid, renamed, and then turned to who left."""
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    await whole.happened(
        ("signed_up", "ada", now - 3 * hour),
        ("signed_up", "bob", now - 3 * hour),
        ("signed_up", "cy", now - 3 * hour),
        ("paid", "ada", now - hour),
        ("paid", "bob", now - hour),
        ("left", "cy", now - hour),
    )
    made = await whole.create(name="Who <b>pays</b>", query=SIGN_UP)
    path = f"{whole.insights}{made['id']}/"
    await whole.client.patch(path, json={"name": "Who stays"})
    series = [{"kind": "EventsNode", "event": event} for event in ("signed_up", "left")]
    query = {"kind": "InsightVizNode", "source": {"kind": "FunnelsQuery", "series": series}}
    answer = await whole.client.patch(path, json={"query": query})
    assert answer.status_code == 200, answer.text
    return made


async def test_an_insight_has_its_result_its_definition_and_its_versions(whole: Whole) -> None:
    made = await edited(whole)
    client = await signed_in(whole)
    by_short_id = await client.get(f"/projects/@current/insights/{made['short_id']}/")
    page = await client.get(f"/projects/@current/insights/{made['id']}/")
    assert (page.status_code, by_short_id.status_code) == (200, 200)
    assert "<h1>Who stays</h1>" in page.text
    assert "33.3 %" in page.text
    assert "  2. left" in page.text
    assert "Renamed from &#34;Who &lt;b&gt;pays&lt;/b&gt;&#34; to &#34;Who stays&#34;." in page.text
    assert "Created." in page.text
    assert page.text.index("Renamed") < page.text.index("Created.")
    assert "compare/?from=1&amp;to=" in page.text
    assert "http" not in page.text


async def test_versions_side_by_side_are_both_drawn_and_what_differs_is_marked(
    whole: Whole,
) -> None:
    made = await edited(whole)
    newest = (await whole.client.get(f"{whole.insights}{made['id']}/versions/")).json()
    last = newest["results"][0]["version"]
    client = await signed_in(whole)
    page = await client.get(
        f"/projects/@current/insights/{made['id']}/compare/", params={"from": 1, "to": last}
    )
    assert page.status_code == 200
    assert "66.7 %" in page.text
    assert "33.3 %" in page.text
    left, right = page.text.split("<mark>")[1:3]
    assert left.startswith("−")
    assert "paid" in left.partition("</mark>")[0]
    assert right.startswith("+")
    assert "left" in right.partition("</mark>")[0]
    assert page.text.count("<mark>") == 2
    alike = await client.get(
        f"/projects/@current/insights/{made['id']}/compare/", params={"from": 1, "to": 1}
    )
    assert "<li>Nothing.</li>" in alike.text
    assert "<mark>" not in alike.text


async def test_what_is_deleted_keeps_its_page(whole: Whole) -> None:
    made = await edited(whole)
    await whole.client.patch(f"{whole.insights}{made['id']}/", json={"deleted": True})
    client = await signed_in(whole)
    page = await client.get(f"/projects/@current/insights/{made['id']}/")
    assert page.status_code == 200
    assert "Deleted. Its versions stay." in page.text


async def test_what_is_not_there_or_closed_is_a_page_that_says_so(whole: Whole) -> None:
    made = await whole.create(name="Salaries")
    path = f"/projects/@current/insights/{made['id']}/"
    await whole.client.put(
        f"{whole.insights}{made['id']}/access_controls/", json={"access_level": "none"}
    )
    bob = await administration.create_key(whole.pool, await whole.member("bob@recount.example"))
    await whole.client.post("/login/", data={"key": bob.key})
    for closed in (path, f"{path}compare/?from=1&to=1"):
        refused = await whole.client.get(closed)
        assert refused.status_code == 403
        assert "Salaries" not in refused.text
    client = await signed_in(whole)
    for nothing in (
        "/projects/@current/insights/99/",
        f"{path}compare/?from=1&to=99",
        f"{path}compare/",
    ):
        missing = await client.get(nothing)
        assert missing.status_code == 404
        assert "<h1>Not here</h1>" in missing.text
