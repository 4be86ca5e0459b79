"""A read model folded again from the log, while the live one goes on."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest

from contracts.events.insight import InsightRenamed
from contracts.events.sharing import SharingEnabled
from contracts.events.viewing import InsightViewed
from domain.insight.view import view
from services.projector.app import projections
from services.projector.read_models.insights import insight_projection
from services.projector.rebuild import RebuildUnderWay, rebuild
from tests.domain.histories import after
from tests.examples import INSIGHT, created
from tests.services.projector.projecting import (
    Killed,
    Projecting,
    insight,
    killed_at,
    sharing,
    viewing,
)
from tests.services.projector.read_models.test_projections import EDITED


async def some_history(projector: Projecting) -> None:
    await projector.append_each(after(EDITED))
    await projector.append(SharingEnabled(INSIGHT, token_id=1), of=sharing())
    await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await projector.append(created(insight_id=8, short_id="second00"), of=insight(8))


async def rows_of(projector: Projecting) -> dict[str, list[dict[str, object]]]:
    everything = await projector.everything()
    return {name: rows for name, rows in everything.items() if name != "checkpoints"}


async def test_a_sound_read_model_is_left_as_it_is(projector: Projecting) -> None:
    await some_history(projector)
    head = await projector.catch_up()
    before = await rows_of(projector)
    for projection in projections():
        rebuilt = await rebuild(projector.url, projector.store, projection, size=3)
        assert (rebuilt.removed, rebuilt.written, rebuilt.parked) == (0, 0, 0)
        assert rebuilt.position == head
    assert await rows_of(projector) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE insights SET name_key = 'wrong', row = json_build_object('name', 'wrong')",
        "DELETE FROM insights WHERE insight_id = 8",
        "INSERT INTO last_viewed VALUES (1, 99, 7, now())",
        "UPDATE activity SET quiet = NOT quiet",
        "UPDATE insights SET short_id = 'x0000000' WHERE insight_id = 7;"
        " UPDATE insights SET short_id = 'aB3dE6gH' WHERE insight_id = 8",
        "TRUNCATE sharing, activity_subjects",
        "INSERT INTO parked_streams VALUES ('insights', gen_random_uuid(), 1, 1, 'x', 'y')",
    ],
)
async def test_whatever_was_damaged_is_as_the_log_says(
    projector: Projecting, damage: LiteralString
) -> None:
    await some_history(projector)
    await projector.catch_up()
    before = await rows_of(projector)
    await projector.execute(damage)
    assert await rows_of(projector) != before
    for projection in projections():
        await rebuild(projector.url, projector.store, projection)
    assert await rows_of(projector) == before


async def test_a_rebuild_tells_how_far_it_is(projector: Projecting) -> None:
    await some_history(projector)
    head = await projector.store.head()
    told: list[tuple[int, int]] = []
    await rebuild(
        projector.url,
        projector.store,
        insight_projection(),
        on_progress=lambda position, end: told.append((position, end)),
        size=4,
    )
    assert [position for position, _ in told] == [*range(4, head, 4), head]
    assert {end for _, end in told} == {head}


async def test_writes_during_a_rebuild_are_in_the_rows_afterwards(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    await projector.execute("UPDATE insights SET name_key = 'wrong'")
    runner = projector.runner(insight_projection())
    renames = 0

    async def rename_and_project() -> None:
        nonlocal renames
        renames += 1
        await projector.append(InsightRenamed(name=f"Name {renames}", previous=None))
        await runner.catch_up()

    # Some are behind the rebuild's back, the last one between its last batch and the switch.
    for _ in range(3):
        task = asyncio.create_task(rename_and_project())
        await rebuild(projector.url, projector.store, insight_projection(), size=2)
        await task
    await runner.catch_up()
    row = await projector.insight()
    assert row == view(await projector.store.load(insight()))  # type: ignore[arg-type]  # an insight's stream
    assert await projector.rows("SELECT 1 FROM insights WHERE name_key = 'wrong'") == []


async def test_a_write_just_before_the_switch_is_not_lost(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    loop = asyncio.get_running_loop()
    written: list[asyncio.Task[int]] = []

    async def write() -> int:
        await projector.append(InsightRenamed(name="Late", previous=None))
        return await projector.runner(insight_projection()).catch_up()

    def at(point: str) -> None:
        if point == "folded":
            written.append(loop.create_task(write()))

    await rebuild(projector.url, projector.store, insight_projection(), crash_at=at)
    await asyncio.gather(*written)
    row = await projector.insight()
    assert row is not None
    assert row.name == "Late"


async def test_nobody_moves_the_live_rows_while_they_are_compared(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    refused: list[str] = []

    def at(point: str) -> None:
        if point == "held":
            with psycopg.connect(projector.url, autocommit=True) as other:
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute("UPDATE checkpoints SET position = position")
                refused.append(point)

    await rebuild(projector.url, projector.store, insight_projection(), crash_at=at)
    assert refused == ["held"]


@pytest.mark.parametrize("point", ["begun", "written", "committed", "folded", "held", "switching"])
async def test_a_killed_rebuild_changes_nothing_and_can_be_repeated(
    projector: Projecting, point: str
) -> None:
    await some_history(projector)
    await projector.catch_up()
    before = await rows_of(projector)
    await projector.execute("UPDATE insights SET name_key = 'wrong'")
    damaged = await rows_of(projector)
    with pytest.raises(Killed):
        await rebuild(
            projector.url, projector.store, insight_projection(), crash_at=killed_at(point)
        )
    assert await rows_of(projector) == damaged
    rebuilt = await rebuild(projector.url, projector.store, insight_projection())
    assert (rebuilt.removed, rebuilt.written) == (2, 2)
    assert await rows_of(projector) == before


async def test_two_rebuilds_of_one_projection_do_not_meet(projector: Projecting) -> None:
    await some_history(projector)
    met: list[type[BaseException] | None] = []

    async def second() -> None:
        await rebuild(projector.url, projector.store, insight_projection())

    def at(point: str) -> None:
        if point == "folded":
            with ThreadPoolExecutor() as elsewhere:
                failed = elsewhere.submit(asyncio.run, second()).exception()
            met.append(None if failed is None else type(failed))

    await rebuild(projector.url, projector.store, insight_projection(), crash_at=at)
    assert met == [RebuildUnderWay]
    await second()
