"""Of a sample every actor is in or out as a whole, whatever is asked; numbers are scaled."""

from random import Random

import msgspec
import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import PersonActor
from tests.trends import differences
from tests.trends.cases import Case, make_case, make_lifecycle, make_stickiness
from tests.trends.engine import store

pytestmark = pytest.mark.anyio

WORLDS, SHARE = 12, 0.5


async def sampled(clickhouse: ClickHouse, case: Case) -> Case:
    """What is left of the world: the events of the persons that the engine keeps."""
    persons = {case.world.person(event) for event in case.world.events}
    bindings = Bindings()
    ids = bindings.bind([str(one) for one in persons], "Array(UUID)")
    share = bindings.bind(int(SHARE * 2**64) - 1, "UInt64")
    text = f"SELECT id FROM (SELECT arrayJoin({ids}) AS id) WHERE cityHash64(id) <= {share}"
    rows = await clickhouse.query(Statement(text, bindings.values))
    kept = {id_ for (id_,) in rows}
    events = tuple(event for event in case.world.events if case.world.person(event) in kept)
    return msgspec.structs.replace(case, world=msgspec.structs.replace(case.world, events=events))


async def test_stickiness_and_lifecycles_of_a_sample(clickhouse: ClickHouse) -> None:
    left_out = 0
    for team_id in range(1, WORLDS + 1):
        random = Random(f"sample {team_id}")
        case = make_case(random, team_id)
        await store(clickhouse, team_id, case.world)
        rest = await sampled(clickhouse, case)
        left_out += len(case.world.events) - len(rest.world.events)
        sticky = msgspec.structs.replace(make_stickiness(random, case), sample=SHARE)
        persons = tuple(one for one in sticky.series if isinstance(one.actor, PersonActor))
        sticky = msgspec.structs.replace(sticky, series=persons)
        alive = msgspec.structs.replace(make_lifecycle(random, case), sample=SHARE)
        if not reads_sessions(sticky.filters, *(one.entity.matches for one in persons)):
            assert await differences.stickiness(clickhouse, rest, sticky, random) is None
        if isinstance(alive.actor, PersonActor) and not reads_sessions(alive.filters, alive.entity):
            assert await differences.lifecycle(clickhouse, rest, alive, random) is None
    assert left_out > 50


def reads_sessions(*conditions: object) -> bool:
    """A session's properties are those of all its events, of whichever persons."""
    return "session" in repr(conditions)
