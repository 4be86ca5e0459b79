"""Commands are tried without being done, and done as the trial showed, or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from tests.services.command.conftest import World
from tests.services.command.history.test_undo import (
    NAMED,
    as_another,
    asked,
    done,
    made,
    operation,
    shown,
)

DRY = "?dry_run=true"


async def head(world: World) -> int:
    position: int = await world.app.state.store.head()
    return position


def plan(answer: Response) -> dict[str, str]:
    """The header that holds the same request to it."""
    return {"If-Match": f'"{answer.json()["plan"]}"'}


async def facts_of(world: World, answer: Response) -> list[Any]:
    found = await world.app.state.store.operations(world.project.id, [operation(answer)])
    return [(each.stream.kind.value, each.stream.number, each.fact.version) for each in found]


async def tried(world: World, method: str, path: str, body: Any = None) -> Response:
    before = await head(world)
    answer = await asked(world, method, f"{path}{DRY}", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/vnd.recount.plan+json")
    assert await head(world) == before
    return answer


async def test_what_a_trial_shows_is_what_its_plan_does(world: World) -> None:
    board = await made(world, "dashboards", {"name": "Growth"})
    body = {**NAMED, "dashboards": [board], "tags": ["a"]}
    trial = await tried(world, "POST", "/insights/", body)
    said = trial.json()
    assert (said["dry_run"], said["status"], said["affects"]["dashboards"]) == (
        True,
        201,
        [board],
    )
    assert "Created." in said["sentences"]
    answer = await asked(world, "POST", "/insights/", body, **plan(trial))
    assert answer.status_code == 201, answer.text
    shown_facts = [(each["kind"], each["id"], each["version"]) for each in said["events"]]
    assert await facts_of(world, answer) == shown_facts
    assert said["events"][0]["data"]["short_id"] == answer.json()["short_id"]
    again = await asked(world, "POST", "/insights/", body, **plan(trial))
    assert (again.status_code, again.json()["code"]) == (412, "stale")


async def test_a_plan_is_refused_once_something_has_moved(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    trial = await tried(world, "PATCH", path, body)
    assert trial.json()["sentences"] == ["Description changed."]
    await done(world, "PATCH", path, {"name": "Visits"})
    stale = await asked(world, "PATCH", path, body, **plan(trial))
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert [each["field"] for each in stale.json()["changes"]] == ["name"]
    fresh = await tried(world, "PATCH", path, body)
    assert (await asked(world, "PATCH", path, body, **plan(fresh))).status_code == 200


async def test_a_plan_is_of_one_request_and_one_user_and_signed(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    trial = await tried(world, "PATCH", path, body)
    other = await asked(world, "PATCH", path, {"description": "B"}, **plan(trial))
    assert (other.status_code, other.json()["code"]) == (422, "plan_mismatch")
    by_another = {**plan(trial), **await as_another(world)}
    theirs = await asked(world, "PATCH", path, body, **by_another)
    assert (theirs.status_code, theirs.json()["code"]) == (422, "plan_mismatch")
    text = trial.json()["plan"]
    forged = {"If-Match": f'"{text[:-6]}AAAAAA"'}
    assert (await asked(world, "PATCH", path, body, **forged)).status_code == 400
    assert (await shown(world, insight))["description"] == "Of all."


async def test_a_plan_grows_old(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    insight = await made(world, "insights", NAMED)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    module = "services.command.history.planned.LIFETIME"
    with monkeypatch.context() as patched:
        patched.setattr(module, timedelta(seconds=-5))
        trial = await tried(world, "PATCH", path, body)
    old = await asked(world, "PATCH", path, body, **plan(trial))
    assert (old.status_code, old.json()["code"]) == (412, "plan_expired")


async def test_a_right_that_is_lost_between_trial_and_plan_is_gone(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    other = await as_another(world)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    trial = await asked(world, "PATCH", f"{path}{DRY}", body, **other)
    rules = f"/insights/{insight}/access_controls/"
    await done(world, "PUT", rules, {"access_level": "viewer"})
    refused = await asked(world, "PATCH", path, body, **{**other, **plan(trial)})
    assert refused.status_code == 403, refused.text
    refused_trial = await asked(world, "PATCH", f"{path}{DRY}", body, **other)
    assert refused_trial.status_code == 403


async def test_a_rank_that_is_lost_between_trial_and_plan_is_gone(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    rules = f"/insights/{insight}/access_controls/"
    await done(world, "PUT", rules, {"access_level": "viewer"})
    other = await as_another(world, level=8)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    trial = await asked(world, "PATCH", f"{path}{DRY}", body, **other)
    assert trial.status_code == 200, trial.text
    async with world.pool.connection() as conn:
        await conn.execute("UPDATE organization_members SET level = 1")
    refused = await asked(world, "PATCH", path, body, **{**other, **plan(trial)})
    assert refused.status_code == 403, refused.text


async def test_undo_revert_and_bulk_can_be_tried(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "B"}))
    commands: list[tuple[str, Any]] = [
        (f"/operations/{renamed}/undo/", {}),
        (f"/insights/{insight}/undo/", {"operation_id": renamed}),
        (f"/insights/{insight}/revert/", {"to": "v1"}),
        ("/insights/bulk/", {"ids": [insight], "set": {"favorited": True}}),
    ]
    trials = []
    for path, body in commands:
        trial = await tried(world, "POST", path, body)
        kinds = sorted(each["kind"] for each in trial.json()["events"])
        assert kinds == ["history", "insight"], trial.text
        trials.append(plan(trial))
    path, body = commands[0]
    answer = await asked(world, "POST", path, body, **trials[0])
    assert answer.status_code == 200, answer.text
    path, body = commands[-1]
    late = await asked(world, "POST", path, body, **trials[-1])
    assert (late.status_code, late.json()["code"]) == (412, "stale")


async def test_secrets_are_null_in_a_plan_and_drawn_when_it_is_done(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    path, body = f"/insights/{insight}/sharing/", {"enabled": True}
    trial = await tried(world, "PATCH", path, body)
    (event,) = trial.json()["events"]
    assert event["data"]["token_id"] is None
    shared = await asked(world, "PATCH", path, body, **plan(trial))
    assert shared.json()["access_token"], shared.text
    again = await tried(world, "PATCH", f"/insights/{insight}/", {"name": "B"})
    assert again.json()["affects"]["shares"] == [insight]


async def test_a_trial_uses_no_key_and_is_never_done_where_there_is_none(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    path, body, key = f"/insights/{insight}/", {"name": "B"}, {"Idempotency-Key": "k"}
    assert (await asked(world, "PATCH", f"{path}{DRY}", body, **key)).json()["dry_run"]
    assert (await asked(world, "PATCH", path, body, **key)).json()["name"] == "B"
    nothing = await tried(world, "PATCH", path, body)
    assert (nothing.json()["events"], nothing.json()["sentences"]) == ([], [])
    before = await head(world)
    unsupported = await asked(world, "POST", f"/webhooks/wh_1/test/{DRY}")
    assert unsupported.json()["code"] == "dry_run_unsupported"
    unclear = await asked(world, "PATCH", f"{path}?dry_run=perhaps", body)
    assert unclear.status_code == 400
    assert await head(world) == before
