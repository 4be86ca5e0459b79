"""Random commands while whoever projects and whoever audits is killed: no false alarm, and
operations, entries and facts are one to one.
"""

import asyncio
import contextlib
import random
from typing import Any
from uuid import uuid4

import pytest

from services.common.log.store import Append, AppendPart
from services.projector.app import projections
from services.projector.auditor.auditor import Auditor
from services.projector.batch import CrashAt
from services.projector.projection import Projection
from tests.examples import ALICE
from tests.services.projector.auditor.commanding import Commands
from tests.services.projector.projecting import Killed, Projecting
from tests.services.projector.test_refolding import erase_all

# Counted from the log alone: views by their insight, everything else by its stream.
OPERATIONS = """
    SELECT count(DISTINCT (team_id, operation_id, originator_id,
        CASE WHEN topic LIKE 'viewing.%%' THEN convert_from(state, 'UTF8')::json->>'insight_id' END
    )) AS number
    FROM log WHERE split_part(topic, '.', 1) = ANY(%s)"""


def killed_sometimes(chance: float, rng: random.Random) -> CrashAt:
    def crash(point: str) -> None:
        if rng.random() < chance:
            raise Killed(point)

    return crash


async def project_for_ever(
    projector: Projecting, projection: Projection[Any], rng: random.Random
) -> None:
    while True:
        with contextlib.suppress(Killed):
            size = rng.randrange(1, 20)
            crash = killed_sometimes(0.02, rng)
            await projector.runner(projection, size=size, crash_at=crash).catch_up()
        await asyncio.sleep(rng.random() / 50)


async def audit_for_ever(projector: Projecting, rng: random.Random) -> None:
    while True:
        auditor = Auditor(projector.url, projections(), per_second=0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rng.random() * 3):
                await auditor.round()


async def command(projector: Projecting, commands: Commands) -> None:
    operation = uuid4()
    await projector.store.append(
        Append(
            parts=tuple(
                AppendPart(stream, None, tuple(facts)) for stream, facts in commands.next()
            ),
            actor=ALICE,
            operation_id=operation,
            correlation_id=operation,
        )
    )


async def run(projector: Projecting, number: int, seed: int) -> None:
    rng, commands = random.Random(seed), Commands(seed)
    async with asyncio.TaskGroup() as tasks:
        others = [
            *(tasks.create_task(project_for_ever(projector, each, rng)) for each in projections()),
            tasks.create_task(audit_for_ever(projector, rng)),
        ]
        for done in range(number):
            await command(projector, commands)
            if done % 50 == 49:
                await erase_all(projector, f"Name {rng.randrange(10)}")
        for other in others:
            other.cancel()
    await projector.catch_up()
    for _ in range(2):
        await Auditor(projector.url, projections(), per_second=0).round()
    assert await projector.rows("SELECT * FROM to_tell") == []
    assert await projector.rows("SELECT * FROM audit_findings") == []
    (sums,) = await projector.rows(
        "SELECT sum(found)::int AS found, sum(missing)::int AS missing, sum(entries)::int AS"
        " entries, sum(operations)::int AS operations, sum(proved_through)::int AS proved,"
        " sum(erased)::int AS erased"
        " FROM audit_projects"
    )
    activity = next(each for each in projections() if each.name == "activity")
    (operations,) = await projector.rows(OPERATIONS, sorted(activity.topics))
    (entries,) = await projector.rows("SELECT count(*)::int AS number FROM activity")
    assert sums["found"] == sums["missing"] == 0
    assert sums["erased"] > 0
    assert sums["entries"] == sums["operations"] == operations["number"] == entries["number"]
    assert sums["proved"] == await projector.store.head() >= number


async def test_beside_writers_and_kills_nothing_is_found_that_is_not_so(
    projector: Projecting,
) -> None:
    await run(projector, 300, seed=1)


@pytest.mark.fuzz
async def test_ten_thousand_commands(projector: Projecting) -> None:
    await run(projector, 10_000, seed=2)
