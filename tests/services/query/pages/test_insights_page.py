"""The page of a project's insights."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

from httpx import AsyncClient

from services.common.accounts import administration
from tests.whole import SIGN_UP, Whole


async def signed_in(whole: Whole) -> AsyncClient:
    issued = await administration.create_key(whole.pool, whole.ada)
    await whole.client.post("/login/", data={"key": issued.key})
    return whole.client


async def test_each_insight_has_a_name_a_kind_a_picture_and_who_changed_it(whole: Whole) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    await whole.happened(("signed_up", "ada", now - 2 * hour), ("paid", "ada", now - hour))
    made = await whole.create(name="Who <b>pays</b>", query=SIGN_UP)
    await whole.client.get(f"{whole.insights}{made['id']}/?refresh=blocking")
    await whole.create(name="Nothing yet")
    client = await signed_in(whole)
    page = await client.get(f"/projects/{whole.project.id}/")
    assert page.status_code == 200
    assert "Who &lt;b&gt;pays&lt;/b&gt;" in page.text
    assert "Funnels" in page.text
    assert 'aria-label="1. signed_up 100.0 %; 2. paid 100.0 %; "' in page.text
    assert "No result is kept." in page.text
    assert page.text.count("by Ada") == 2
    assert "2 insights" in page.text
    assert page.text.index("Nothing yet") < page.text.index("Who &lt;b&gt;")
    assert 'href="/api/schema/swagger-ui/"' in page.text


async def test_it_is_searched_and_loads_nothing(whole: Whole) -> None:
    await whole.create(name="Visits")
    await whole.create(name="Payments")
    client = await signed_in(whole)
    page = await client.get("/projects/@current/", params={"q": "VISIT"})
    assert "1 insight for “VISIT”" in page.text
    assert "Payments" not in page.text
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_what_one_may_not_see_is_not_there(whole: Whole) -> None:
    made = await whole.create(name="Salaries")
    await whole.client.put(
        f"{whole.insights}{made['id']}/access_controls/", json={"access_level": "none"}
    )
    bob = await whole.member("bob@recount.example")
    issued = await administration.create_key(whole.pool, bob)
    await whole.client.post("/login/", data={"key": issued.key})
    assert "Salaries" not in (await whole.client.get("/projects/@current/")).text


async def test_further_pages_are_linked(whole: Whole) -> None:
    for number in range(61):
        await whole.create(name=f"Insight {number}")
    client = await signed_in(whole)
    first = await client.get("/projects/@current/")
    assert 'href="?q=&amp;page=2"' in first.text
    second = await client.get("/projects/@current/", params={"page": "2"})
    assert "Insight 0" in second.text
    assert 'href="?q=&amp;page=1"' in second.text
