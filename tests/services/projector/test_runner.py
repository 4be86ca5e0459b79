"""A projection that is killed, overtaken, rung and given facts that nobody can apply."""

import asyncio
import contextlib
from secrets import token_hex

import pytest
from litestar.datastructures import State
from prometheus_client import REGISTRY

from contracts.events.insight import InsightRenamed, InsightTagged
from contracts.events.sharing import SharingEnabled
from contracts.events.viewing import InsightViewed
from domain.insight.view import view
from services.common.http.health import PartDegraded
from services.common.log.progress import progress
from services.common.postgres.bell import Bell
from services.projector import checkpoint
from services.projector.app import _projections, projections, running
from services.projector.read_models.activity import ActivityProjection
from services.projector.read_models.insights import insight_projection
from services.projector.read_models.last_viewed import LastViewedProjection
from services.projector.rebuild import rebuild
from tests.domain.histories import after
from tests.examples import INSIGHT, created
from tests.services.projector.projecting import (
    Killed,
    Projecting,
    insight,
    killed_at,
    progress_of,
    sharing,
    until,
    viewing,
)
from tests.services.projector.read_models.test_projections import EDITED, EVERY_KIND


@pytest.mark.parametrize("point", ["begun", "written", "committed"])
async def test_a_projector_killed_at_any_point_catches_up_to_the_view(
    projector: Projecting, point: str
) -> None:
    for stream, event in EVERY_KIND:
        await projector.append(event, of=stream)
    for projection in projections():
        # Each attempt is a new process, that dies in the middle of its first batch with work in it.
        for _ in range(3):
            with pytest.raises(Killed):
                await projector.runner(projection, size=3, crash_at=killed_at(point)).catch_up()
        await projector.runner(projection, size=3).catch_up()
    assert await projector.insight() == view(await projector.store.load(insight()))  # type: ignore[arg-type]  # an insight's stream
    for projection in projections():
        rebuilt = await rebuild(projector.url, projector.store, projection)
        assert (rebuilt.removed, rebuilt.written) == (0, 0)


async def test_rows_and_checkpoint_are_written_together_or_not_at_all(
    projector: Projecting,
) -> None:
    await projector.append(created(name="A"))
    await projector.catch_up()
    before = await projector.everything()
    await projector.append(InsightRenamed(name="B", previous="A"))
    with pytest.raises(Killed):
        await projector.runner(insight_projection(), crash_at=killed_at("written")).catch_up()
    assert await projector.everything() == before


async def test_many_projectors_of_one_projection_apply_each_fact_once(
    projector: Projecting,
) -> None:
    await projector.append_each(after(EDITED))
    for number in range(20, 60):
        await projector.append(
            created(insight_id=number, short_id=f"short{number:03}"), of=insight(number)
        )
    applied = _applied("activity")
    await asyncio.gather(
        *(projector.runner(ActivityProjection(), size=2).catch_up() for _ in range(4))
    )
    head = await projector.store.head()
    assert _applied("activity") - applied == head
    (count,) = await projector.rows("SELECT count(*) AS n FROM activity WHERE insight_id >= 20")
    assert count == {"n": 40}


def _applied(projection: str) -> float:
    value = REGISTRY.get_sample_value("recount_projection_facts_total", {"projection": projection})
    return value or 0.0


async def test_a_projector_that_is_rung_shows_a_write_without_waiting_for_its_poll(
    projector: Projecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.projector.runner.POLL_SECONDS", 3600)
    async with (
        running(projector.url),
        progress_of(projector.url) as bell,
    ):
        await projector.append(created(name="A"))
        await until(bell, lambda: _named(projector, "A"))
        await projector.append(InsightRenamed(name="B", previous="A"))
        await until(bell, lambda: _named(projector, "B"))


async def test_a_ring_that_is_lost_costs_time_and_no_row(
    projector: Projecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.projector.runner.POLL_SECONDS", 0.05)
    deaf = Bell(projector.url, "nothing_rings_here")
    task = asyncio.create_task(projector.runner(insight_projection()).run(deaf))
    async with progress_of(projector.url) as bell:
        await projector.append(created(name="A"))
        await until(bell, lambda: _named(projector, "A"))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _named(projector: Projecting, name: str) -> bool:
    row = await projector.insight()
    return row is not None and row.name == name


async def test_a_projector_outlives_a_lost_database_connection(projector: Projecting) -> None:
    async with (
        running(projector.url),
        progress_of(projector.url) as bell,
    ):
        await projector.append(created(name="A"))
        await until(bell, lambda: _named(projector, "A"))
        await projector.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await projector.append(InsightRenamed(name="B", previous="A"))
        await until(bell, lambda: _named(projector, "B"))


async def damaged(projector: Projecting, position: int) -> None:
    """Something nobody can read, as damage or a newer writer would leave it."""
    await projector.execute(
        "UPDATE log SET topic = 'insight.teleported.v9', state = '{}' WHERE notification_id = %s",
        position,
    )


async def test_an_entry_nobody_can_read_parks_its_stream_and_no_other(
    projector: Projecting,
) -> None:
    await projector.append(created(name="A"))
    (bad,) = await projector.append(InsightRenamed(name="B", previous="A"))
    await projector.append(InsightRenamed(name="C", previous="B"))
    await projector.append(created(insight_id=8, short_id="second00", name="D"), of=insight(8))
    await projector.append(SharingEnabled(INSIGHT, token_id=1), of=sharing())
    await damaged(projector, bad.position)
    head = await projector.catch_up(size=2)
    first, second = await projector.insight(), await projector.insight(8)
    assert first is not None
    assert first.name == "A", "the last good row stays"
    assert second is not None
    async with projector.pool.connection() as conn:
        parked = await checkpoint.parked(conn)
    assert [(each.projection, each.position, each.name) for each in parked] == [
        ("activity", bad.position, "insight.teleported.v9"),
        ("history", bad.position, "insight.teleported.v9"),
        ("insights", bad.position, "insight.teleported.v9"),
    ]
    assert {each.stream_id for each in parked} == {insight().id}
    assert "insight.teleported.v9" in parked[0].reason
    told = {each.projection: each for each in await progress(projector.pool)}
    assert (told["insights"].position, told["insights"].parked) == (head, 1)
    assert (told["sharing"].parked, told["insights"].behind) == (0, 0)
    assert [entry.activity for entry in await projector.activity()] == [
        "created",
        "sharing enabled",
    ]


async def test_a_fact_that_the_fold_refuses_parks_its_stream(projector: Projecting) -> None:
    await projector.append(InsightRenamed(name="B", previous="A"))
    await projector.append(created(insight_id=8, short_id="second00"), of=insight(8))
    await projector.catch_up()
    assert await projector.insight() is None
    assert await projector.insight(8) is not None
    async with projector.pool.connection() as conn:
        parked = await checkpoint.parked(conn)
    assert {each.stream_id for each in parked} == {insight().id}
    assert "does not begin with insight.created" in parked[0].reason


async def test_a_row_that_the_database_refuses_parks_its_stream_alone(
    projector: Projecting,
) -> None:
    await projector.append(created(name="A"))
    # Both want the same short id, which the rules never allow.
    (bad,) = await projector.append(created(insight_id=8, name="Twin"), of=insight(8))
    await projector.append(created(insight_id=9, short_id="third000"), of=insight(9))
    await projector.append(InsightRenamed(name="B", previous="A"))
    await projector.append(InsightRenamed(name="Twins", previous="Twin"), of=insight(8))
    await projector.catch_up()
    first, twin, third = [await projector.insight(number) for number in (INSIGHT, 8, 9)]
    assert first is not None
    assert first.name == "B"
    assert twin is None
    assert third is not None
    async with projector.pool.connection() as conn:
        (parked,) = await checkpoint.parked(conn)
    assert (parked.projection, parked.position) == ("insights", bad.position)
    assert "short_id" in parked.reason


async def test_a_text_too_long_for_its_index_stops_its_own_stream_alone(
    projector: Projecting,
) -> None:
    """PostgreSQL counts that among its limits, and not among what is wrong with the data."""
    await projector.append(created(name="A"))
    await projector.append(created(insight_id=9, short_id="second00"), of=insight(9))
    (bad,) = await projector.append(InsightTagged(tags=(token_hex(20_000),), previous=()))
    await projector.append(InsightRenamed(name="B", previous=None), of=insight(9))
    await projector.catch_up()
    other = await projector.insight(9)
    assert other is not None
    assert other.name == "B"
    async with projector.pool.connection() as conn:
        (parked,) = await checkpoint.parked(conn)
    assert parked.position == bad.position


async def test_a_rebuild_takes_up_a_stream_that_can_be_read_again(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    (bad,) = await projector.append(InsightRenamed(name="B", previous="A"))
    (original,) = await projector.rows(
        "SELECT topic, state FROM log WHERE notification_id = %s", bad.position
    )
    await damaged(projector, bad.position)
    await projector.append(InsightRenamed(name="C", previous="B"))
    await projector.catch_up()
    await projector.execute(
        "UPDATE log SET topic = %s, state = %s WHERE notification_id = %s",
        original["topic"],
        original["state"],
        bad.position,
    )
    rebuilt = await rebuild(projector.url, projector.store, insight_projection())
    assert rebuilt.parked == 0
    row = await projector.insight()
    assert row is not None
    assert row.name == "C"


async def test_readiness_knows_who_is_behind_and_what_is_parked(projector: Projecting) -> None:
    state = State({"projector_pool": projector.pool})
    await _projections(state)
    await projector.append(InsightRenamed(name="B", previous="A"))
    await _projections(state)
    await projector.execute("UPDATE log SET recorded_at = recorded_at - interval '1 minute'")
    with pytest.raises(PartDegraded, match=r"stands at position 0 of 1, 6\d s behind"):
        await _projections(state)
    await projector.catch_up()
    with pytest.raises(PartDegraded, match="3 streams"):
        await _projections(state)


async def test_facts_that_concern_no_row_move_the_checkpoint(projector: Projecting) -> None:
    await projector.append(created())
    await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    head = await projector.append(InsightRenamed(name="B", previous=None))
    assert await projector.runner(LastViewedProjection()).catch_up() == head[0].position
