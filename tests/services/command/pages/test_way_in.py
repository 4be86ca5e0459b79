"""The way in to the pages: a key, or a link that opens them once; and what ends it."""

from datetime import timedelta
from typing import Any, cast

from httpx import ASGITransport, AsyncClient, Response

from services.common.accounts import administration, login_links
from services.common.accounts.login_links import LoginLink
from tests.whole import Whole

HOME = "/projects/@current/"


def browsing(whole: Whole) -> AsyncClient:
    """The same server, without a key."""
    whole.client.headers.pop("Authorization", None)
    whole.client.headers["Accept"] = "text/html"
    return whole.client


async def sent(client: AsyncClient, **fields: str) -> Response:
    return await client.post("/login/", data=fields)


async def test_who_has_not_signed_in_is_asked_for_a_key(whole: Whole) -> None:
    client = browsing(whole)
    away = await client.get(HOME)
    assert (away.status_code, away.headers["location"]) == (303, "/login/")
    form = await client.get("/login/")
    assert form.status_code == 200
    assert 'name="key"' in form.text
    assert "frame-ancestors 'none'" in form.headers["content-security-policy"]


async def test_a_key_opens_its_project_until_it_is_revoked(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    client = browsing(whole)
    wrong = await sent(client, key="phx_nobodys")
    assert wrong.headers["location"] == "/login/?wrong=key"
    assert "set-cookie" not in wrong.headers
    opened = await sent(client, key=f" {issued.key} ")
    assert (opened.status_code, opened.headers["location"]) == (
        303,
        f"/projects/{whole.project.id}/",
    )
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "max-age=43200" in cookie
    assert "secure" not in cookie
    assert issued.key not in opened.headers["set-cookie"]
    assert (await client.get(HOME)).status_code == 200
    await administration.revoke_key(whole.pool, issued.id)
    whole.app.state.accounts.forget()
    assert (await client.get(HOME)).status_code == 303


async def test_behind_tls_the_cookie_is_secure(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    client = browsing(whole)
    opened = await client.post("https://recount.example/login/", data={"key": issued.key})
    assert "secure" in opened.headers["set-cookie"].lower()


async def test_a_link_opens_once_and_looking_at_it_uses_nothing_up(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    link = LoginLink(issued.id, whole.project.id)
    secret = await login_links.issue(whole.pool, link)
    client = browsing(whole)
    for _ in range(2):
        assert secret in (await client.get("/login/", params={"link": secret})).text
    assert (await sent(client, link=secret)).headers["location"] == (
        f"/projects/{whole.project.id}/"
    )
    assert (await client.get(HOME)).status_code == 200
    client.cookies.clear()
    assert (await sent(client, link=secret)).headers["location"] == "/login/?wrong=link"
    assert (await client.get(HOME)).status_code == 303


async def test_a_link_runs_out(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    secret = await login_links.issue(whole.pool, LoginLink(issued.id, whole.project.id))
    async with whole.pool.connection() as conn:
        await conn.execute("UPDATE login_links SET expires_at = now() - interval '1 second'")
    answer = await sent(browsing(whole), link=secret)
    assert answer.headers["location"] == "/login/?wrong=link"


async def test_a_forged_cookie_opens_nothing(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    client = browsing(whole)
    await sent(client, key=issued.key)
    cookie = client.cookies["recount_page"]
    key_id, _, rest = cookie.partition(".")
    for forged in (f"{key_id}x.{rest}", cookie[:-2], "", "a.b.c.d", "."):
        client.cookies.clear()
        answer = await client.get(HOME, headers={"Cookie": f"recount_page={forged}"})
        assert answer.status_code == 303, forged


async def test_another_site_can_sign_nobody_in_or_out(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    client = browsing(whole)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    refused = await client.post("/login/", data={"key": issued.key}, headers=elsewhere)
    assert refused.headers["location"] == "/login/?wrong=from"
    await sent(client, key=issued.key)
    await client.post("/logout/", headers=elsewhere)
    assert (await client.get(HOME)).status_code == 200
    await client.post("/logout/")
    assert (await client.get(HOME)).status_code == 303


async def test_the_pages_know_the_keys_scopes_and_projects(whole: Whole) -> None:
    narrow = await administration.create_key(whole.pool, whole.ada, scopes=["dashboard:read"])
    client = browsing(whole)
    await sent(client, key=narrow.key)
    assert (await client.get(HOME)).status_code == 403
    whole_key = await administration.create_key(whole.pool, whole.ada)
    await sent(client, key=whole_key.key)
    foreign = await client.get(f"/projects/{whole.foreign.id}/")
    assert (foreign.status_code, foreign.headers["content-type"]) == (
        403,
        "text/html; charset=utf-8",
    )
    assert (await client.get("/projects/987654/")).status_code == 404
    # The cookie is worth nothing where a key is asked for.
    assert (await client.get(whole.insights)).status_code == 401


async def test_wrong_keys_and_links_are_throttled_where_they_come_from(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    client = browsing(whole)
    tries = [await sent(client, key=f"phx_{number}") for number in range(6)]
    tries += [await sent(client, link=f"nobodys-{number}") for number in range(4)]
    assert [answer.status_code for answer in tries] == [303] * 10
    for fields in ({"key": issued.key}, {"link": "nobodys"}):
        often = await sent(client, **fields)
        assert (often.status_code, often.headers["retry-after"]) == (429, "120")
        assert "Try again in two minutes" in often.text
        assert "set-cookie" not in often.headers
    elsewhere = AsyncClient(
        transport=ASGITransport(app=cast("Any", whole.app), client=("198.51.100.7", 1)),
        base_url="http://recount.test",
    )
    async with elsewhere:
        assert (await sent(elsewhere, key=issued.key)).headers["location"].startswith("/projects/")
    async with whole.pool.connection() as conn:
        await conn.execute("UPDATE login_failures SET minute = minute - interval '2 minutes'")
    for _ in range(12):
        assert (await sent(client, key=issued.key)).headers["location"].startswith("/projects/")


async def keys(whole: Whole, key_id: str) -> tuple[bool, timedelta | None]:
    """Whether it is revoked, and the time that it has left."""
    async with whole.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT revoked_at IS NOT NULL, expires_at - now() FROM personal_api_keys"
            " WHERE id = %s",
            (key_id,),
        )
        row = await cursor.fetchone()
        assert row is not None
        return row[0], row[1]


async def test_the_key_of_a_link_ends_with_it_or_with_its_session(whole: Whole) -> None:
    issued = await administration.create_key(whole.pool, whole.ada)
    secret = await login_links.issue(whole.pool, LoginLink(issued.id, whole.project.id))
    revoked, left = await keys(whole, issued.id)
    assert not revoked
    assert left is not None
    assert left <= timedelta(minutes=10)
    client = browsing(whole)
    await sent(client, link=secret)
    _, left = await keys(whole, issued.id)
    assert left is not None
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    assert (await client.get(HOME)).status_code == 200
    async with whole.pool.connection() as conn:
        await conn.execute(
            "UPDATE personal_api_keys SET expires_at = now() WHERE id = %s", [issued.id]
        )
    whole.app.state.accounts.forget()
    assert (await client.get(HOME)).status_code == 303


async def test_signing_out_revokes_the_key_of_a_link_and_no_other(whole: Whole) -> None:
    made_for_it = await administration.create_key(whole.pool, whole.ada)
    own = await administration.create_key(whole.pool, whole.ada)
    secret = await login_links.issue(whole.pool, LoginLink(made_for_it.id, whole.project.id))
    client = browsing(whole)
    for fields, issued, ends in (
        ({"link": secret}, made_for_it, True),
        ({"key": own.key}, own, False),
    ):
        await sent(client, **fields)
        cookie = client.cookies["recount_page"]
        assert (await client.post("/logout/")).headers["location"] == "/login/"
        assert "recount_page" not in client.cookies
        assert (await keys(whole, issued.id))[0] is ends
        whole.app.state.accounts.forget()
        back = await client.get(HOME, headers={"Cookie": f"recount_page={cookie}"})
        assert back.status_code == (303 if ends else 200)
