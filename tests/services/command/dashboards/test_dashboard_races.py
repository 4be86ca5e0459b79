"""Somebody else acts between a write's look at the log and its append."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from contracts.api.dashboards import WriteDashboard
from contracts.events.streams import dashboard_stream, insight_stream
from domain.insight.commands import EditInsight
from services.command.dashboards import translation as dashboards
from services.command.dashboards.write import DashboardWrite
from services.command.handle import (
    Begin,
    Command,
    Event,
    PreparedWrite,
    Terms,
    Write,
    given,
    handle,
)
from services.command.insights import translation as insights
from services.command.insights.write import InsightWrite
from services.common.accounts.accounts import ApiKey
from services.common.http.caller import Caller
from services.common.http.problems import Rejected
from services.common.log.store import Pasts
from tests.examples import START
from tests.services.command.conftest import World

Meanwhile = Callable[[], Awaitable[Any]]


def disturbed(write: Write[Command, Event], meanwhile: Meanwhile) -> Begin[Command, Event]:
    """The write, with `meanwhile` done once, right after its first look."""
    waiting = [meanwhile]

    async def look(pasts: Pasts) -> PreparedWrite[Command, Event]:
        attempt = await write.prepare(pasts)
        if waiting:
            await waiting.pop()()
        return attempt

    return given(replace(write, prepare=look))


async def ada(world: World) -> Caller:
    user = await world.app.state.accounts.user(world.user_id)
    key = ApiKey(
        id="k",
        user_id=user.id,
        label="",
        scopes=["*"],
        scoped_teams=[],
        scoped_organizations=[],
        created_at=START,
        last_used_at=None,
    )
    operation = uuid4()
    return Caller(
        user=user,
        key=key,
        project=world.project,
        operation_id=operation,
        correlation_id=operation,
    )


async def made(world: World, what: str, **fields: Any) -> int:
    answer = await world.client.post(f"/api/projects/{world.project.id}/{what}/", json=fields)
    number: int = answer.json()["id"]
    return number


async def change(world: World, what: str, number: int, **fields: Any) -> dict[str, Any]:
    path = f"/api/projects/{world.project.id}/{what}/{number}/"
    body: dict[str, Any] = (await world.client.patch(path, json=fields)).json()
    return body


@pytest.mark.parametrize("known_tile", [False, True])
async def test_no_insight_comes_on_a_dashboard_that_was_deleted_meanwhile(
    world: World, known_tile: bool
) -> None:
    board, insight = await made(world, "dashboards"), await made(world, "insights")
    if known_tile:
        await change(world, "insights", insight, dashboards=[board])
        await change(world, "insights", insight, dashboards=[])
    caller = await ada(world)
    store, numbers = world.app.state.store, world.app.state.numbers
    stream = insight_stream(caller.team_id, insight)
    write = InsightWrite(store, numbers, caller, stream, EditInsight(), (board,))
    delete = disturbed(write.write, lambda: change(world, "dashboards", board, deleted=True))
    with pytest.raises(Rejected) as refused:
        await handle(store, insights.RULES, delete, Terms(caller=caller))
    assert refused.value.problem.code == "does_not_exist"
    assert (await change(world, "insights", insight))["dashboards"] == []


@pytest.mark.parametrize("known_tile", [False, True])
async def test_an_insight_that_came_meanwhile_leaves_with_the_dashboard(
    world: World, known_tile: bool
) -> None:
    board, insight = await made(world, "dashboards"), await made(world, "insights")
    if known_tile:
        await change(world, "insights", insight, dashboards=[board])
        await change(world, "insights", insight, dashboards=[])
    caller = await ada(world)
    stream = dashboard_stream(caller.team_id, board)
    store = world.app.state.store
    write = DashboardWrite(store, caller, stream, WriteDashboard(deleted=True))
    put = disturbed(write.write, lambda: change(world, "insights", insight, dashboards=[board]))
    await handle(store, dashboards.RULES, put, Terms(caller=caller))
    assert (await change(world, "insights", insight))["dashboards"] == []
    restored = await change(world, "dashboards", board, deleted=False)
    assert [tile["insight"]["id"] for tile in restored["tiles"]] == [insight]
