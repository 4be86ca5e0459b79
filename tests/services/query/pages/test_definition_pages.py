"""The pages of dashboards, actions and cohorts."""

import pytest

from services.common.accounts import administration
from tests.services.query.pages.test_activity_page import PAGE, by_an_administrator
from tests.services.query.pages.test_insights_page import signed_in
from tests.whole import Whole

NAMED = {"name": "Paid <b>plans</b>"}


@pytest.mark.parametrize("kind", ["dashboards", "actions", "cohorts"])
async def test_each_has_its_versions_in_sentences(whole: Whole, kind: str) -> None:
    made = await whole.client.post(f"{whole.root}{kind}/", json=NAMED)
    path = f"{kind}/{made.json()['id']}/"
    await whole.client.patch(f"{whole.root}{path}", json={"name": "Paid"})
    client = await signed_in(whole)
    page = await client.get(f"/projects/@current/{path}")
    assert page.status_code == 200, page.text
    assert "<h1>Paid</h1>" in page.text
    renamed = "Renamed from &#34;Paid &lt;b&gt;plans&lt;/b&gt;&#34; to &#34;Paid&#34;."
    assert page.text.index(renamed) < page.text.index("Created.")
    assert "by Ada" in page.text
    older = await client.get(f"/projects/@current/{path}", params={"before": 2})
    assert renamed not in older.text
    for missing in (f"{kind}/99/", f"{kind}/x/"):
        assert (await client.get(f"/projects/@current/{missing}")).status_code == 404
    narrow = await administration.create_key(whole.pool, whole.ada, scopes=["insight:read"])
    await client.post("/login/", data={"key": narrow.key})
    assert (await client.get(f"/projects/@current/{path}")).status_code == 403
    await by_an_administrator(whole)
    assert f'/{path}"' in (await client.get(PAGE)).text


async def test_a_dashboard_names_no_insight_that_one_may_not_see(whole: Whole) -> None:
    board = (await whole.client.post(f"{whole.root}dashboards/", json={"name": "Growth"})).json()
    made = await whole.create(name="Salaries", dashboards=[board["id"]])
    path = f"/projects/@current/dashboards/{board['id']}/"
    client = await signed_in(whole)
    assert "Salaries" in (await client.get(path)).text
    rules = f"{whole.insights}{made['id']}/access_controls/"
    await whole.client.put(rules, json={"access_level": "none"})
    bob = await administration.create_key(whole.pool, await whole.member("bob@recount.example"))
    await client.post("/login/", data={"key": bob.key})
    page = await client.get(path)
    assert page.status_code == 200
    assert "Salaries" not in page.text
