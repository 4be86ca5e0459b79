"""The same request under one Idempotency-Key, many times at the same moment."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from contracts.api.webhooks import webhook_number
from contracts.events.recorded import SystemActor
from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookLaneParked
from services.common.log.store import Append, AppendPart
from tests.services.command.conftest import World
from tests.waiting import seen

TIMES = 8

PUBLIC = "https://93.184.215.14/recount"

# What is asked, of paths below the project; `{…}` names what was made before.
ASKED: dict[str, tuple[str, str, Any, int]] = {
    "an insight": ("POST", "/insights/", {"name": "A", "dashboards": ["{dashboard}"]}, 201),
    "a dashboard": ("POST", "/dashboards/", {"name": "A"}, 201),
    "an action": ("POST", "/actions/", {"name": "A"}, 201),
    "a cohort": ("POST", "/cohorts/", {"name": "A", "is_static": True}, 201),
    "an edit": ("PATCH", "/insights/{insight}/", {"name": "B"}, 200),
    "a replacement": ("PUT", "/insights/{insight}/", {"name": "B"}, 200),
    "a move": ("PATCH", "/insights/{insight}/", {"dashboards": ["{dashboard}"]}, 200),
    "a deletion": ("PATCH", "/insights/{insight}/", {"deleted": True}, 200),
    "a dashboard's edit": ("PATCH", "/dashboards/{dashboard}/", {"name": "B"}, 200),
    "a dashboard's deletion": (
        "PATCH", "/dashboards/{dashboard}/", {"deleted": True, "delete_insights": True}, 200,
    ),
    "an action's deletion": ("PATCH", "/actions/{action}/", {"deleted": True}, 200),
    "a cohort's deletion": ("PATCH", "/cohorts/{cohort}/", {"deleted": True}, 200),
    "sharing": ("PATCH", "/insights/{insight}/sharing/", {"enabled": True}, 200),
    "a rotation": ("POST", "/insights/{shared}/sharing/refresh/", {}, 200),
    "a password": (
        "POST", "/insights/{shared}/sharing/passwords/", {"raw_password": "open sesame"}, 201,
    ),
    "a password's end": ("DELETE", "/insights/{shared}/sharing/passwords/{password}/", None, 204),
    "a rule": ("PUT", "/insights/{insight}/access_controls/", {"access_level": "viewer"}, 200),
    "a rule's end": ("PUT", "/insights/{shared}/access_controls/", {"access_level": None}, 204),
    "a rule for all": (
        "PUT", "/insights/{insight}/global_access_controls/", {"access_level": "viewer"}, 200,
    ),
    "a view": ("POST", "/insights/{insight}/viewed/", None, 201),
    "views": ("POST", "/insights/viewed/", {"insight_ids": ["{insight}", "{shared}"]}, 201),
    "a bus consumer": ("POST", "/bus_consumers/", {"name": "A"}, 201),
    "a bus consumer's edit": ("PATCH", "/bus_consumers/{consumer}/", {"paused": True}, 200),
    "a bus password": ("POST", "/bus_consumers/{consumer}/rotate_password/", None, 200),
    "a bus consumer's end": ("DELETE", "/bus_consumers/{consumer}/", None, 204),
    "a project's name": ("PATCH", "/", {"name": "B"}, 200),
    "a webhook": ("POST", "/webhooks/", {"url": PUBLIC}, 201),
    "a webhook's edit": ("PATCH", "/webhooks/{webhook}/", {"types": ["insight.*"]}, 200),
    "a webhook's end": ("DELETE", "/webhooks/{webhook}/", None, 204),
    "a webhook's secret": ("POST", "/webhooks/{webhook}/rotate_secret/", None, 200),
    "a webhook's pause": ("POST", "/webhooks/{webhook}/pause/", None, 200),
    "a webhook going on": ("POST", "/webhooks/{webhook}/resume/", None, 200),
    "a lane's retry": ("POST", "/webhooks/{webhook}/parked/{kind}/{lane}/retry/", None, 200),
    "a lane's skip": ("POST", "/webhooks/{webhook}/parked/{kind}/{lane}/skip/", None, 200),
    "an erasure": ("POST", "/audit/erasures/", {"text": "Erased soon"}, 202),
    "a hold": ("POST", "/audit/holds/", {"reason": "A", "insights": [99]}, 201),
    "a hold's end": ("DELETE", "/audit/holds/{hold}/", None, 204),
    "a revert": ("POST", "/insights/{shared}/revert/", {"to": "v1"}, 200),
    "a bulk edit": (
        "POST", "/insights/bulk/", {"ids": ["{insight}", "{shared}"], "set": {"saved": False}}, 200,
    ),
    "an undo": ("POST", "/insights/{shared}/undo/", {"operation_id": "{rename}"}, 200),
    "an operation's undo": ("POST", "/operations/{operation}/undo/", None, 200),
    "a span's undo": ("POST", "/operations/undo/", {"since": "{before}"}, 200),
}  # fmt: skip


ADMINISTRATORS = {
    *("a rule for all", "a project's name"),
    *(
        what
        for what, asked in ASKED.items()
        if asked[1].startswith(("/webhooks/", "/bus_consumers/", "/audit/"))
    ),
}


async def promoted(world: World) -> None:
    """Returns when the service has heard of it."""
    accounts = world.app.state.accounts
    before = accounts.edition
    async with world.pool.connection() as conn:
        await conn.execute("UPDATE organization_members SET level = 15")

    async def edition() -> int:
        heard: int = accounts.edition
        return heard

    await seen(edition, lambda now: now != before)


async def made(world: World, what: str) -> dict[str, Any]:
    if what in ADMINISTRATORS:
        await promoted(world)
    root = f"/api/projects/{world.project.id}"

    async def post(path: str, body: Any) -> int | str:
        answer = await world.client.post(f"{root}{path}", json=body)
        assert answer.status_code == 201, answer.text
        number: int | str = answer.json()["id"]
        return number

    found: dict[str, Any] = {
        "insight": await post("/insights/", {"name": "A"}),
        "shared": await post("/insights/", {"name": "B"}),
        "dashboard": await post("/dashboards/", {"name": "D"}),
        "action": await post("/actions/", {"name": "C"}),
        "cohort": await post("/cohorts/", {"name": "E", "is_static": True}),
    }
    shared = f"{root}/insights/{found['shared']}"
    await world.client.patch(
        f"{shared}/sharing/", json={"enabled": True, "password_required": True}
    )
    await world.client.put(f"{shared}/access_controls/", json={"access_level": "viewer"})
    found["password"] = await post(
        f"/insights/{found['shared']}/sharing/passwords/", {"raw_password": "sesame open"}
    )
    if what.endswith("undo"):
        before = datetime.now(UTC).isoformat()
        rename = await world.client.patch(f"{shared}/", json={"name": "C"})
        operation = rename.headers["Insights-Operation"]
        found |= {"operation": operation, "rename": operation, "before": before}
    if what in ADMINISTRATORS:
        webhook = await world.client.post(f"{root}/webhooks/", json={"url": PUBLIC})
        found["webhook"] = webhook.json()["id"]
        found |= {"kind": "insight", "lane": "7"}
        await park(world, webhook_number(found["webhook"]) or 0, "insight/7")
        found["consumer"] = await post("/bus_consumers/", {"name": "F"})
        found["hold"] = await post("/audit/holds/", {"reason": "B", "insights": [98]})
        await post("/actions/", {"name": "Erased soon"})
    return found


async def park(world: World, number: int, *lanes: str) -> None:
    """As the deliverer tells it."""
    facts = tuple(WebhookLaneParked(lane, 1, uuid4(), 10, "status") for lane in lanes)
    operation = uuid4()
    await world.app.state.store.append(
        Append(
            parts=(AppendPart(webhook_stream(world.project.id, number), None, facts),),
            actor=SystemActor(),
            operation_id=operation,
            correlation_id=operation,
        )
    )


def filled(value: Any, found: dict[str, Any]) -> Any:
    match value:
        case str() if value.startswith("{"):
            return found[value.strip("{}")]
        case list():
            return [filled(each, found) for each in value]
        case dict():
            return {name: filled(each, found) for name, each in value.items()}
        case _:
            return value


async def at_once(
    world: World, method: str, path: str, bodies: list[Any], key: str
) -> list[Response]:
    url = f"/api/projects/{world.project.id}{path}"
    asked = (
        world.client.request(method, url, json=body, headers={"Idempotency-Key": key})
        for body in bodies
    )
    return list(await asyncio.gather(*asked))


async def head(world: World) -> int:
    async with world.pool.connection() as conn:
        cursor = await conn.execute("SELECT count(*) FROM log")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def drawn(world: World) -> list[int]:
    """How many numbers, tokens and passwords there are, whatever they were drawn for."""
    tables = ("insight_ids", "dashboard_ids", "action_ids", "cohort_ids", "share_tokens")
    more = (
        "share_passwords",
        "webhook_ids",
        "webhook_secrets",
        "bus_consumer_ids",
        "bus_passwords",
    )
    counted = [f"(SELECT count(*) FROM {table})" for table in (*tables, *more)]
    async with world.pool.connection() as conn:
        cursor = await conn.execute(f"SELECT {', '.join(counted)}, last_value FROM tile_ids")
        row = await cursor.fetchone()
    assert row is not None
    return list(row)


@pytest.mark.parametrize("what", ASKED)
async def test_every_repeat_gets_the_first_answer_and_nothing_is_done_twice(
    world: World, what: str
) -> None:
    method, path, body, status = ASKED[what]
    found = await made(world, what)
    path, body = path.format(**found), filled(body, found)
    answers = await at_once(world, method, path, [body] * TIMES, "k")
    assert {answer.status_code for answer in answers} == {status}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["insights-position"] for answer in answers}) == 1
    before, numbers = await head(world), await drawn(world)
    again = (await at_once(world, method, path, [body], "k"))[0]
    assert (again.status_code, again.content) == (status, answers[0].content)
    assert again.headers.get("etag") == answers[0].headers.get("etag")
    assert await head(world) == before
    assert await drawn(world) == numbers


@pytest.mark.parametrize("what", [what for what, asked in ASKED.items() if asked[2] is not None])
async def test_of_two_bodies_under_one_key_one_is_done_and_the_other_is_refused(
    world: World, what: str
) -> None:
    method, path, body, status = ASKED[what]
    found = await made(world, what)
    path, body = path.format(**found), filled(body, found)
    bodies = [body, {**body, "unknown": "member"}] * (TIMES // 2)
    answers = await at_once(world, method, path, bodies, "k")
    assert sorted(answer.status_code for answer in answers) == sorted(
        [status] * (TIMES // 2) + [422] * (TIMES // 2)
    )
    refused = [answer.json() for answer in answers if answer.status_code == 422]
    assert {problem["code"] for problem in refused} == {"idempotency_key_reused"}


async def test_a_generated_password_is_shown_once_and_opens(world: World) -> None:
    found = await made(world, "a password")
    path = f"/insights/{found['shared']}/sharing/passwords/"
    answers = [answer.json() for answer in await at_once(world, "POST", path, [{}] * TIMES, "k")]
    shown = [answer["password"] for answer in answers if answer["password"] is not None]
    assert len({answer["id"] for answer in answers}) == 1
    assert len(shown) == 1
    sharing = f"/api/projects/{world.project.id}/insights/{found['shared']}/sharing/"
    token = (await world.client.patch(sharing, json={})).json()["access_token"]
    opened = await world.client.post(f"/shared/{token}", json={"password": shown[0]})
    assert opened.status_code == 200


async def test_a_project_is_made_once(world: World) -> None:
    await promoted(world)
    asked = (
        world.client.post(
            "/api/projects/", json={"name": "New"}, headers={"Idempotency-Key": "make"}
        )
        for _ in range(TIMES)
    )
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["api_token"] for answer in answers}) == 1
