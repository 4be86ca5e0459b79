"""Rules, settings and webhooks are taken back too, by those who may change them."""

from uuid import UUID

from prometheus_client import REGISTRY

from contracts.codec import stored_name
from contracts.events.audit import HoldPlaced, KeyRotated
from contracts.events.recorded import DomainEvent, UserActor
from contracts.events.streams import Stream, audit_stream, hold_stream
from services.common.log.store import Append, AppendPart
from tests.services.command.conftest import World
from tests.services.command.history.test_undo import (
    NAMED,
    as_another,
    asked,
    done,
    made,
    operation,
)
from tests.services.command.test_repeats_at_once import PUBLIC, promoted


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("recount_undo_total", {"outcome": outcome}) or 0.0


async def test_an_access_rule_is_taken_back_by_a_manager_alone(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    rules = f"/insights/{insight}/access_controls/"
    closed = operation(await done(world, "PUT", rules, {"access_level": "none"}))
    path, other = f"/operations/{closed}/undo/", await as_another(world)
    before = counted("permission_denied"), counted("undone")
    assert (await asked(world, "POST", path, None, **other)).status_code == 403
    body = (await done(world, "POST", path)).json()
    (sentence,) = body["changes"][0]["sentences"]
    assert sentence == "Access of everyone is under no rule any more (was none)."
    assert (counted("permission_denied"), counted("undone")) == (before[0] + 1, before[1] + 1)
    assert (await asked(world, "PATCH", f"/insights/{insight}/", {}, **other)).status_code == 200


async def test_a_projects_name_is_taken_back_by_an_administrator(world: World) -> None:
    await promoted(world)
    renamed = operation(await done(world, "PATCH", "/", {"name": "Store"}))
    path = f"/operations/{renamed}/undo/"
    assert (await asked(world, "POST", path, None, **await as_another(world))).status_code == 403
    changes = (await done(world, "POST", path)).json()["changes"]
    assert changes[0]["sentences"] == ['Renamed from "Store" to "Shop".']


async def test_a_webhook_that_was_made_goes_with_its_secrets(world: World) -> None:
    await promoted(world)
    created = operation(await done(world, "POST", "/webhooks/", {"url": PUBLIC}))
    changes = (await done(world, "POST", f"/operations/{created}/undo/")).json()["changes"]
    assert changes[0]["sentences"] == ["Deleted."]
    async with world.pool.connection() as conn:
        left = await (await conn.execute("SELECT count(*) FROM webhook_secrets")).fetchone()
    assert left == (0,)


async def test_what_auditors_are_told_is_taken_back_by_nobody(world: World) -> None:
    """Nor is the project's audit stream read, which is long."""
    team_id, store = world.project.id, world.app.state.store
    said: list[tuple[Stream[DomainEvent], DomainEvent]] = [
        (audit_stream(team_id), KeyRotated("a+1+A", "a+2+B", lost=False)),
        (hold_stream(team_id, 1), HoldPlaced(1, "Case 17", (), ())),
    ]
    for number, (stream, fact) in enumerate(said, start=1):
        operation_id = UUID(int=number)
        await store.append(
            Append(
                parts=(AppendPart(stream, None, (fact,)),),
                actor=UserActor(world.user_id),
                operation_id=operation_id,
                correlation_id=operation_id,
            )
        )
        path = f"/operations/{operation_id}/undo/"
        assert (await asked(world, "POST", path, None)).status_code == 403
    await promoted(world)
    for number, (_, fact) in enumerate(said, start=1):
        answer = await asked(world, "POST", f"/operations/{UUID(int=number)}/undo/", None)
        assert (answer.status_code, stored_name(fact) in answer.text) == (409, True)
    # Nor does it stand in the way of undoing a whole span.
    await done(world, "POST", "/operations/undo/", {"since": "2020-01-01T00:00:00Z"})
