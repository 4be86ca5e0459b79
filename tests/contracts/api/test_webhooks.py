"""streams.md, Webhooks: what is read of them. What is written: tests/services/command/webhooks."""

from typing import Any

import pytest

from contracts.api.webhooks import webhook_number
from contracts.events.recorded import SystemActor
from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookDisabled, WebhookEvent, WebhookLaneParked
from services.common.log.store import Append, AppendPart
from tests.contracts.api.talk import Api
from tests.examples import operation

PUBLIC = "https://93.184.215.14/recount"


@pytest.fixture(scope="module")
async def admin(api: Api) -> dict[str, str]:
    """Headers of an administrator's key."""
    return await api.key(user_id=await api.here.member("root@example.com", level=8))


async def make(api: Api, by: dict[str, str], **fields: Any) -> Any:
    made = await api("POST webhooks/", {"url": PUBLIC, **fields}, by=by)
    made.says(201)
    return made


async def found(api: Api, webhook: str, *events: WebhookEvent) -> None:
    """By the deliverer, as the log tells it."""
    stream = webhook_stream(api.here.project.id, webhook_number(webhook) or 0)
    await api.here.app.state.store.append(
        Append(
            parts=(AppendPart(stream, None, events),),
            actor=SystemActor(),
            operation_id=operation(1),
            correlation_id=operation(1),
        )
    )


async def test_what_is_read_is_what_was_written_without_the_secret(
    api: Api, admin: dict[str, str]
) -> None:
    made = await make(api, admin, types=["insight.*"], signature="both")
    read = await api(f"GET webhooks/{made['id']}/", by=admin)
    read.says(200, types=["insight.*"], state="active", delivered=made["after"], pending=0)
    assert read.body == {name: value for name, value in made.body.items() if name != "secret"}
    fresh = {"If-None-Match": read.headers["etag"]}
    again = await api(f"GET webhooks/{made['id']}/", by=admin, headers=fresh)
    assert again.status == 304
    listed = await api("GET webhooks/", by=admin)
    listed.says(200, next=None)
    assert read.body in listed["results"]
    changed = {"If-Match": read.headers["etag"]}
    pause = await api(f"POST webhooks/{made['id']}/pause/", by=admin, headers=changed)
    pause.says(200, state="paused", version=2)
    (await api(f"GET webhooks/{made['id']}/", by=admin)).says(200, state="paused", version=2)


async def test_what_is_deleted_or_of_no_such_name_is_not_there(
    api: Api, admin: dict[str, str]
) -> None:
    made = await make(api, admin)
    assert (await api(f"DELETE webhooks/{made['id']}/", by=admin)).status == 204
    for name in (made["id"], "wh_0", "wh_99999", "1", "wh_x"):
        for rest in ("", "attempts/", "parked/"):
            (await api(f"GET webhooks/{name}/{rest}", by=admin)).refuses(404, "not_found")


async def test_what_gave_up_is_listed_until_it_is_released(api: Api, admin: dict[str, str]) -> None:
    made = await make(api, admin)
    one = f"webhooks/{made['id']}"
    parked = WebhookLaneParked("insight/7", 5, operation(2), 10, "timeout")
    await found(api, made["id"], parked, WebhookDisabled("gone"))
    shown = await api(f"GET {one}/parked/", by=admin)
    shown.says(200, next=None, results__0__lane="insight/7", results__0__sequence=5)
    shown.says(200, results__0__attempts=10, results__0__error="timeout")
    read = await api(f"GET {one}/", by=admin)
    read.says(200, parked=["insight/7"], state="disabled", disabled_reason="gone")
    (await api(f"POST {one}/parked/insight%2F7/skip/", by=admin)).says(200, parked=[])
    (await api(f"GET {one}/parked/", by=admin)).says(200, results=[])
    (await api(f"POST {one}/resume/", by=admin)).says(200, state="active", disabled_reason=None)


async def test_attempts_are_paged_and_chosen_by_what_became_of_them(
    api: Api, admin: dict[str, str]
) -> None:
    made = await make(api, admin)
    attempts = f"GET webhooks/{made['id']}/attempts/"
    async with api.here.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO webhook_attempts"
            " (webhook_id, sequence, lane, at, duration_ms, state, status, error)"
            " SELECT %s, number, 'insight/1', now(), 3,"
            " CASE WHEN number %% 2 = 0 THEN 'delivered' ELSE 'failed' END, 200, NULL"
            " FROM generate_series(1, 5) AS number",
            (webhook_number(made["id"]),),
        )
    first = await api(f"{attempts}?limit=2", by=admin)
    assert [each["sequence"] for each in first["results"]] == [1, 2]
    rest = await api(f"GET {first['next']}".replace("http://recount.test", ""), by=admin)
    assert [each["sequence"] for each in rest["results"]] == [3, 4]
    failed = await api(f"{attempts}?state=failed", by=admin)
    assert [each["sequence"] for each in failed["results"]] == [1, 3, 5]
    assert failed["next"] is None
    assert failed["results"][0].keys() == {
        *("number", "sequence", "lane", "at", "duration_ms"),
        *("state", "status", "error", "response", "retry_at"),
    }
    (await api(f"{attempts}?state=lost", by=admin)).refuses(400, "invalid_choice", attr="state")


async def test_members_and_other_scopes_see_none(api: Api, admin: dict[str, str]) -> None:
    (await api("GET webhooks/")).refuses(403, "permission_denied")
    user_id = await api.here.member("other@example.com", level=15)
    reader = await api.key("webhook:read", user_id=user_id)
    (await api("GET webhooks/", by=reader)).says(200)
    (await api("POST webhooks/", {"url": PUBLIC}, by=reader)).refuses(403, "permission_denied")
    elsewhere = await api.stranger()
    (await api(f"GET {api.elsewhere}webhooks/", by=elsewhere)).says(200, results=[])
    made = await make(api, admin)
    theirs = await api(f"GET {api.elsewhere}webhooks/{made['id']}/", by=elsewhere)
    theirs.refuses(404, "not_found")
