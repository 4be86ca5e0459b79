"""Processes that die around an undo, and between a trial and its plan."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from psycopg import AsyncConnection

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.log.store import Append, AppendedFacts
from tests.e2e.deployment import Started, is_ready
from tests.embedded.recount_process import ROOT, free_port
from tests.servers import NatsServer
from tests.services.command.conftest import World
from tests.services.command.history.test_dry_run import DRY, head, plan, tried
from tests.services.command.history.test_undo import NAMED, asked, done, made, operation, shown
from tests.waiting import seen, until


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


@pytest.mark.timeout(120)
@pytest.mark.parametrize("at", ["before the append", "after it"])
async def test_an_undo_is_done_once_though_its_process_was_killed(
    world: World, postgres_url: str, shared_bus: NatsServer, at: str
) -> None:
    insight = await made(world, "insights", NAMED)
    renamed = operation(await done(world, "PATCH", f"/insights/{insight}/", {"name": "B"}))
    path, key = f"/operations/{renamed}/undo/", {"Idempotency-Key": "k"}
    before = await head(world)
    with command_process(postgres_url, shared_bus) as (process, url):
        await asyncio.to_thread(until, lambda: is_ready(Started(process, url)), "it is ready")
        async with (
            AsyncClient(base_url=url, headers=world.client.headers) as client,
            await AsyncConnection.connect(postgres_url) as held,
        ):
            if at == "before the append":
                # Whoever appends waits here; who reads does not.
                await held.execute("LOCK TABLE log IN EXCLUSIVE MODE")
            sending = asyncio.ensure_future(
                client.post(f"/api/projects/{world.project.id}{path}", json={}, headers=key)
            )
            if at == "before the append":
                await seen(partial(waiting_for_the_log, world), bool)
            else:
                await seen(partial(head, world), lambda position: position > before)
            process.kill()
            process.wait()
            await held.rollback()
            await asyncio.gather(sending, return_exceptions=True)
    # What PostgreSQL had been sent by then it does, all of it, or nothing.
    assert await head(world) in ({before + 2} if at == "after it" else {before, before + 2})
    again = await asked(world, "POST", path, {}, **key)
    assert (again.status_code, again.json()["undone"]) == (200, [renamed]), again.text
    assert await head(world) == before + 2
    assert (await shown(world, insight))["name"] == NAMED["name"]


async def waiting_for_the_log(world: World) -> bool:
    async with world.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'log'::regclass AND NOT granted"
        )
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


@contextlib.contextmanager
def command_process(
    postgres_url: str, bus: NatsServer
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The service as it is started anywhere, and its address; ended at the latest afterwards."""
    port = free_port()
    environment = {
        "PYTHONPATH": str(ROOT),
        "RECOUNT_COMMAND_HOST": "127.0.0.1",
        "RECOUNT_COMMAND_PORT": str(port),
        "RECOUNT_COMMAND_DATABASE_URL": postgres_url,
        "RECOUNT_COMMAND_NATS_URL": bus.url,
        "RECOUNT_COMMAND_NATS_ISSUER": bus.issuer,
        "RECOUNT_COMMAND_NATS_SYSTEM_USER": bus.system_user,
        "RECOUNT_COMMAND_RELAY": "false",
    }
    with subprocess.Popen([sys.executable, "-m", "services.command"], env=environment) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
