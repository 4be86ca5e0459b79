"""Trials of commands that look at no version, or that make secrets."""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from services.common.log.store import Pasts
from tests.services.command.conftest import World
from tests.services.command.history.test_dry_run import facts_of, plan, tried
from tests.services.command.history.test_undo import NAMED, asked, done, made
from tests.services.command.test_repeats_at_once import PUBLIC, promoted

WEBHOOK = {"url": PUBLIC, "types": ["insight.created.v1"]}


async def kept(world: World) -> int:
    """Addresses and secrets of webhooks in the database."""
    async with world.pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM webhook_secrets")).fetchone()
    return int(row[0]) if row else 0


async def slots(world: World) -> int:
    """Webhooks that count against the limit."""
    async with world.pool.connection() as conn:
        statement = "SELECT count(slot) FROM webhook_ids"
        row = await (await conn.execute(statement)).fetchone()
    return int(row[0]) if row else 0


async def test_a_webhook_is_tried_without_a_secret_and_made_with_one(world: World) -> None:
    await promoted(world)
    trial = await tried(world, "POST", "/webhooks/", WEBHOOK)
    (event,) = trial.json()["events"]
    assert (event["type"], event["version"]) == ("webhook.created.v1", 1)
    assert (event["data"]["secret_id"], event["data"]["public_key"]) == (None, None)
    assert event["data"]["settings"]["address_id"] is None
    assert (trial.json()["status"], trial.json()["sentences"]) == (201, ["Created."])
    assert (await kept(world), await slots(world)) == (0, 0)
    # It begins where the trial said, whatever has come since.
    await made(world, "insights", NAMED)
    answer = await asked(world, "POST", "/webhooks/", WEBHOOK, **plan(trial))
    assert answer.status_code == 201, answer.text
    assert answer.json()["secret"].startswith("whsec_")
    assert answer.json()["after"].split("-")[0] == str(event["data"]["after"])
    assert await facts_of(world, answer) == [("webhook", event["id"], 1)]
    assert await slots(world) == 1
    again = await asked(world, "POST", "/webhooks/", WEBHOOK, **plan(trial))
    assert (again.status_code, again.json()["code"]) == (412, "stale")
    assert await slots(world) == 1


async def test_a_new_address_and_a_new_secret_are_tried(world: World) -> None:
    await promoted(world)
    webhook = await done(world, "POST", "/webhooks/", WEBHOOK)
    path, first = f"/webhooks/{webhook.json()['id']}/", webhook.json()["secret"]
    count = await kept(world)
    moved = {"url": f"{PUBLIC}elsewhere"}
    trial = await tried(world, "PATCH", path, moved)
    said: dict[str, Any] = trial.json()["events"][0]["data"]
    assert [said[side]["address_id"] for side in ("settings", "previous")] == [None, None]
    assert await kept(world) == count
    answer = await asked(world, "PATCH", path, moved, **plan(trial))
    assert (answer.status_code, answer.json()["url"]) == (200, moved["url"]), answer.text
    rotation = await tried(world, "POST", f"{path}rotate_secret/")
    assert rotation.json()["events"][0]["data"]["secret_id"] is None
    assert rotation.json()["sentences"] == [
        "A new secret; the one before signs beside it for 24 hours."
    ]
    answer = await asked(world, "POST", f"{path}rotate_secret/", **plan(rotation))
    assert answer.status_code == 200, answer.text
    assert answer.json()["secret"] not in (first, None)


async def test_no_more_webhooks_come_of_trials_than_a_project_may_have(world: World) -> None:
    await promoted(world)
    trial = await tried(world, "POST", "/webhooks/", WEBHOOK)
    for _ in range(20):
        await done(world, "POST", "/webhooks/", WEBHOOK)
    late = await asked(world, "POST", "/webhooks/", WEBHOOK, **plan(trial))
    assert (late.status_code, late.json()["code"]) == (409, "too_many")
    refused = await asked(world, "POST", "/webhooks/?dry_run=true", WEBHOOK)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many")


async def test_views_are_tried_without_a_look_at_all_that_came_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    insight = await made(world, "insights", NAMED)
    store = world.app.state.store
    load_all, loaded = store.load_all, set[StreamKind]()

    async def loading(streams: Sequence[Stream[DomainEvent]]) -> Pasts:
        loaded.update(stream.kind for stream in streams)
        pasts: Pasts = await load_all(streams)
        return pasts

    monkeypatch.setattr(store, "load_all", loading)
    one, several = f"/insights/{insight}/viewed/", "/insights/viewed/"
    body = {"insight_ids": [insight, 99]}
    for path, sent in ((one, None), (several, body)):
        trial = await tried(world, "POST", path, sent)
        (event,) = trial.json()["events"]
        assert event["data"] == {"insight_id": insight, "user_id": world.user_id}
        assert (event["version"], trial.json()["status"]) == (1 if path == one else 2, 201)
        assert trial.json()["sentences"] == [f"Insight {insight} was looked at."]
        answer = await asked(world, "POST", path, sent, **plan(trial))
        assert (answer.status_code, answer.content) == (201, b"")
        assert await facts_of(world, answer) == [("viewing", world.user_id, event["version"])]
    none = await tried(world, "POST", several, {"insight_ids": [99]})
    assert none.json()["events"] == []
    gone = await asked(world, "POST", "/insights/99/viewed/?dry_run=true")
    assert gone.status_code == 404
    trial = await tried(world, "POST", several, body)
    await done(world, "PATCH", f"/insights/{insight}/", {"deleted": True})
    late = await asked(world, "POST", several, body, **plan(trial))
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert StreamKind.INSIGHT in loaded
    assert StreamKind.VIEWING not in loaded
