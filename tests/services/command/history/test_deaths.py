"""Processes that die around an undo, and between a trial and its plan."""

from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.log.store import Append, AppendedFacts
from tests.servers import NatsServer
from tests.services.command.conftest import World
from tests.services.command.history.test_dry_run import DRY, head, plan, tried
from tests.services.command.history.test_undo import NAMED, asked, done, made, operation, shown


class Died(Exception):
    pass


def dying(world: World, monkeypatch: pytest.MonkeyPatch, *, appended: bool) -> None:
    """The next append is the last thing that this process does, or does not even do."""
    store = world.app.state.store
    append = store.append

    async def once(new: Append) -> AppendedFacts:
        monkeypatch.undo()
        if appended:
            await append(new)
        raise Died

    monkeypatch.setattr(store, "append", once)


@pytest.mark.parametrize("appended", [False, True])
async def test_an_undo_that_died_is_done_once_when_it_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch, appended: bool
) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "B"}))
    path, key = f"/operations/{renamed}/undo/", {"Idempotency-Key": "k"}
    before = await head(world)
    dying(world, monkeypatch, appended=appended)
    assert (await asked(world, "POST", path, {}, **key)).status_code == 500
    assert await head(world) == before + (2 if appended else 0)
    again = await asked(world, "POST", path, {}, **key)
    assert (again.status_code, again.json()["undone"]) == (200, [renamed]), again.text
    assert await head(world) == before + 2
    assert (await shown(world, insight))["name"] == NAMED["name"]
    keyless = await done(world, "POST", path, {})
    assert (keyless.json()["undone"], keyless.json()["already"]) == ([], [renamed])


async def test_a_plan_outlives_the_process_that_made_it(
    world: World, postgres_url: str, shared_bus: NatsServer
) -> None:
    insight = await made(world, "insights", NAMED)
    path, body = f"/insights/{insight}/", {"description": "Of some."}
    trial = await tried(world, "PATCH", path, body)
    settings = CommandSettings(
        database_url=postgres_url,
        nats_url=shared_bus.url,
        nats_issuer=shared_bus.issuer,
        nats_system_user=shared_bus.system_user,
        relay=False,
    )
    other: Any = create_app(settings)
    async with (
        other.lifespan(),
        AsyncClient(
            transport=ASGITransport(other, raise_app_exceptions=False),
            base_url="http://recount.test",
            headers={"Authorization": f"Bearer {world.key}"},
        ) as client,
    ):
        url = f"/api/projects/{world.project.id}{path}"
        answer = await client.patch(url, json=body, headers=plan(trial))
        assert answer.status_code == 200, answer.text
        again = await client.patch(f"{url}{DRY}", json=body)
        assert again.json()["events"] == []
