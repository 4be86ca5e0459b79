"""Parked streams, taken up again by code that can read what the projector before could not."""

from typing import Any

import pytest

from contracts.events.insight import InsightRenamed
from services.projector import checkpoint
from services.projector.app import projections
from services.projector.rebuild import rebuild
from services.projector.unparking import unpark
from tests.examples import created
from tests.services.projector.projecting import Killed, Projecting, insight, killed_at

UNKNOWN = "insight.teleported.v9"


@pytest.fixture
async def parked(projector: Projecting) -> Projecting:
    """Two insights; a projector that could not read a fact of the first has left it behind."""
    await projector.append(created(name="A"))
    await projector.append(created(insight_id=8, short_id="second00", name="B"), of=insight(8))
    await projector.append(InsightRenamed("A2", "A"))
    await hide(projector)
    await projector.catch_up()
    await show(projector)
    await projector.append(InsightRenamed("A3", "A2"))
    await projector.append(InsightRenamed("B2", "B"), of=insight(8))
    await projector.catch_up()
    assert await names(projector) == ("A", "B2")
    return projector


async def hide(projector: Projecting) -> None:
    """The second fact of the first insight is of a kind that this release can't read."""
    await projector.execute("CREATE TABLE hidden AS SELECT * FROM log WHERE notification_id = 3")
    await projector.execute(
        "UPDATE log SET topic = %s, state = '{}' WHERE notification_id = 3", UNKNOWN
    )


async def show(projector: Projecting) -> None:
    """A newer release reads it."""
    await projector.execute(
        "UPDATE log SET topic = hidden.topic, state = hidden.state FROM hidden"
        " WHERE log.notification_id = hidden.notification_id"
    )
    await projector.execute("DROP TABLE hidden")


async def names(projector: Projecting) -> tuple[str | None, ...]:
    rows = [await projector.insight(), await projector.insight(8)]
    return tuple(row.name for row in rows if row is not None)


async def left(projector: Projecting) -> list[Any]:
    async with projector.pool.connection() as conn:
        return await checkpoint.parked(conn)


async def unpark_all(projector: Projecting) -> int:
    done = [await unpark(projector.url, each) for each in projections()]
    assert [stream for each in done for stream in each.parked] == []
    return sum(each.taken_up for each in done)


async def test_rows_are_as_if_nothing_had_ever_been_parked(parked: Projecting) -> None:
    before = len(await left(parked))
    assert await unpark_all(parked) == before
    assert await left(parked) == []
    assert await names(parked) == ("A3", "B2")
    for each in projections():
        rebuilt = await rebuild(parked.url, parked.store, each)
        assert (rebuilt.removed, rebuilt.written, rebuilt.parked) == (0, 0, 0), each.name


async def test_the_projector_goes_on_from_there(parked: Projecting) -> None:
    await unpark_all(parked)
    await parked.append(InsightRenamed("A4", "A3"))
    await parked.catch_up()
    assert await names(parked) == ("A4", "B2")


async def test_what_still_cannot_be_read_stays_parked_and_is_told(parked: Projecting) -> None:
    await hide(parked)
    (insights,) = [each for each in projections() if each.name == "insights"]
    done = await unpark(parked.url, insights)
    assert (done.taken_up, [stream.name for stream in done.parked]) == (0, [UNKNOWN])
    assert await names(parked) == ("A", "B2")


@pytest.mark.parametrize("point", ["held", "written"])
async def test_killed_anywhere_it_is_as_before_and_can_be_repeated(
    parked: Projecting, point: str
) -> None:
    before = await parked.everything()
    for each in projections():
        if any(stream.projection == each.name for stream in await left(parked)):
            with pytest.raises(Killed):
                await unpark(parked.url, each, killed_at(point))
    assert await parked.everything() == before
    await unpark_all(parked)
    assert await left(parked) == []
