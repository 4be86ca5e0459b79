"""A right that is taken away between a write's look at the log and its append is gone."""

import pytest
from msgspec.structs import replace

from contracts.events.insight import InsightEvent
from contracts.events.streams import insight_stream, sharing_stream
from domain.access.commands import SetAccess
from domain.insight.commands import CreateInsight, EditInsight, InsightCommand
from domain.sharing.commands import ChangeSharing
from services.command.access import translation as access
from services.command.access.service import access_write
from services.command.handle import Terms, Write, handle
from services.command.insights import translation as insights
from services.command.insights.write import InsightWrite
from services.command.problems import REFUSALS
from services.command.sharing import translation as sharing
from services.command.sharing.service import sharing_write
from services.command.viewing.views import Views
from services.common.accounts import administration
from services.common.http.caller import Caller
from services.common.http.problems import Rejected
from services.common.log.store import EventStore, RankLost
from tests.services.command.conftest import World
from tests.services.command.dashboards.test_dashboard_races import ada, change, disturbed, made


async def bob(world: World, level: int = 1) -> Caller:
    """A plain member unless told otherwise, who made nothing."""
    user_id = await administration.create_user(
        world.pool, "bob@example.com", world.project.organization_id, first_name="Bob", level=level
    )
    return replace(await ada(world), user=await world.app.state.accounts.user(user_id))


async def ranked(world: World, caller: Caller, level: int | None) -> None:
    """What the caller is from now on; None: no member."""
    who = (caller.project.organization_id, caller.user.id)
    which = "WHERE organization_id = %s AND user_id = %s"
    async with world.pool.connection() as conn:
        if level is None:
            await conn.execute(f"DELETE FROM organization_members {which}", who)
        else:
            await conn.execute(f"UPDATE organization_members SET level = %s {which}", (level, *who))


async def rule(world: World, insight: int, level: str) -> None:
    """For everybody."""
    path = f"{world.insights}{insight}/access_controls/"
    answer = await world.client.put(path, json={"access_level": level})
    assert answer.status_code == 200


async def project_rule(world: World, level: str) -> None:
    """For all insights; that is an administrator's to say."""
    chief = await administration.create_user(
        world.pool, "chief@example.com", world.project.organization_id, level=8
    )
    key = await administration.create_key(world.pool, chief)
    path = f"{world.insights}{await made(world, 'insights')}/global_access_controls/"
    headers = {"Authorization": f"Bearer {key.key}"}
    answer = await world.client.put(path, json={"access_level": level}, headers=headers)
    assert answer.status_code == 200


def editing(
    store: EventStore, world: World, caller: Caller, insight: int
) -> Write[InsightCommand, InsightEvent]:
    stream = insight_stream(caller.team_id, insight)
    name = EditInsight(name="Mine now")
    return InsightWrite(store, world.app.state.numbers, caller, stream, name, ()).write


@pytest.mark.parametrize("whole", [False, True])
async def test_an_edit(world: World, whole: bool) -> None:
    insight, caller = await made(world, "insights", name="Hers"), await bob(world)
    store: EventStore = world.app.state.store
    write = editing(store, world, caller, insight)

    async def revoked() -> None:
        await (project_rule(world, "viewer") if whole else rule(world, insight, "viewer"))

    with pytest.raises(Rejected) as refused:
        await handle(store, insights.RULES, disturbed(write, revoked), Terms(caller=caller))
    assert refused.value.status == 403
    assert (await change(world, "insights", insight))["name"] == "Hers"


async def test_an_edit_on_a_dashboard_that_is_closed_meanwhile(world: World) -> None:
    board = await made(world, "dashboards")
    insight = await made(world, "insights", name="Hers", dashboards=[board])
    caller, store = await bob(world), world.app.state.store
    write = editing(store, world, caller, insight)
    closed = disturbed(write, lambda: change(world, "dashboards", board, restriction_level=37))
    with pytest.raises(Rejected) as refused:
        await handle(store, insights.RULES, closed, Terms(caller=caller))
    assert refused.value.status == 403


async def test_a_creation(world: World) -> None:
    caller, store = await bob(world), world.app.state.store
    number = await world.app.state.numbers.new_insight(caller.team_id)
    stream = insight_stream(caller.team_id, number.id)
    command = CreateInsight(insight_id=number.id, short_id=number.short_id)
    write = InsightWrite(store, world.app.state.numbers, caller, stream, command, ()).write
    closed = disturbed(write, lambda: project_rule(world, "viewer"))
    with pytest.raises(Rejected) as refused:
        await handle(store, insights.RULES, closed, Terms(caller=caller))
    assert refused.value.status == 403
    assert await store.load(stream) == []


async def test_a_share(world: World) -> None:
    insight, caller = await made(world, "insights"), await bob(world)
    store: EventStore = world.app.state.store
    stream = sharing_stream(caller.team_id, insight)
    token = await world.app.state.numbers.new_share_token(caller.team_id, insight)
    command = ChangeSharing(insight_id=insight, token_id=token.id, enabled=True)
    share = sharing_write(store, caller, command)
    closed = disturbed(share, lambda: rule(world, insight, "viewer"))
    with pytest.raises(Rejected) as refused:
        await handle(store, sharing.RULES, closed, Terms(caller=caller))
    assert refused.value.status == 403
    assert await store.load(stream) == []


async def test_a_rule_of_the_project_by_a_manager_of_yesterday(world: World) -> None:
    insight, caller = await made(world, "insights"), await bob(world)
    store: EventStore = world.app.state.store
    await project_rule(world, "manager")
    command = SetAccess(insight_id=None, grantee=None, level="none")
    rules = access_write(store, caller, insight, command)
    closed = disturbed(rules, lambda: project_rule(world, "editor"))
    with pytest.raises(Rejected) as refused:
        await handle(store, access.RULES, closed, Terms(caller=caller))
    assert refused.value.status == 403


@pytest.mark.parametrize("left", [1, None], ids=("demoted", "removed"))
async def test_a_write_by_an_administrator_of_yesterday(world: World, left: int | None) -> None:
    insight, caller = await made(world, "insights", name="Hers"), await bob(world, level=8)
    store: EventStore = world.app.state.store
    write = editing(store, world, caller, insight)
    late = disturbed(write, lambda: ranked(world, caller, left))
    with pytest.raises(RankLost):
        await handle(store, insights.RULES, late, Terms(caller=caller))
    assert (await change(world, "insights", insight))["name"] == "Hers"


async def test_a_write_by_whoever_rises_meanwhile(world: World) -> None:
    insight, caller = await made(world, "insights", name="Hers"), await bob(world)
    store: EventStore = world.app.state.store
    write = editing(store, world, caller, insight)
    risen = disturbed(write, lambda: ranked(world, caller, 15))
    await handle(store, insights.RULES, risen, Terms(caller=caller))
    assert (await change(world, "insights", insight))["name"] == "Mine now"


async def test_a_view_of_what_only_an_administrator_saw(world: World) -> None:
    insight, caller = await made(world, "insights"), await bob(world, level=8)
    await rule(world, insight, "none")
    await ranked(world, caller, 1)
    # As a process that has not heard of it takes them.
    with pytest.raises(RankLost):
        await Views(world.app.state.store).of((insight,), Terms(caller=caller))
    status, problem = REFUSALS[RankLost]
    assert (status, problem.code) == (403, "permission_denied")


async def test_what_changes_nothing_about_the_right_is_no_hindrance(world: World) -> None:
    insight, caller = await made(world, "insights", name="Hers"), await bob(world)
    store: EventStore = world.app.state.store
    write = editing(store, world, caller, insight)
    ada_stays = disturbed(write, lambda: rule(world, insight, "editor"))
    await handle(store, insights.RULES, ada_stays, Terms(caller=caller))
    assert (await change(world, "insights", insight))["name"] == "Mine now"
