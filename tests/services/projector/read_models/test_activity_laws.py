"""Operations and entries, one to one; and rows of before, as the migration leaves them."""

from typing import Any, get_args
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.history import HistoryEvent, OperationsUndone
from contracts.events.insight import InsightRenamed
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from services.common.log.store import Append, AppendPart
from services.common.postgres.migrate import migrations
from services.projector.app import projections
from services.projector.read_models.activity import ActivityProjection
from services.projector.rebuild import rebuild
from tests.examples import ALICE, INSIGHT, TEAM
from tests.services.projector.projecting import Projecting, viewing
from tests.services.projector.read_models.test_projections import EVERY_KIND

Parts = list[tuple[Stream[DomainEvent], list[DomainEvent]]]


def parts_of_everything() -> Parts:
    """The histories of a thing of each kind."""
    streams: dict[Stream[DomainEvent], list[DomainEvent]] = {}
    for stream, event in EVERY_KIND:
        streams.setdefault(stream, []).append(event)
    return list(streams.items())


async def append(projector: Projecting, operation: UUID, parts: Parts) -> None:
    await projector.store.append(
        Append(
            parts=tuple(AppendPart(stream, None, tuple(events)) for stream, events in parts),
            actor=ALICE,
            operation_id=operation,
            correlation_id=operation,
        )
    )


@st.composite
def operations(draw: st.DrawFn) -> list[Parts]:
    """The histories cut into operations that take up one or several of them, in any order."""
    left = [(stream, list(events)) for stream, events in parts_of_everything()]
    made: list[Parts] = []
    while left:
        chosen = draw(st.lists(st.sampled_from(range(len(left))), min_size=1, max_size=3))
        taken: Parts = []
        for place in dict.fromkeys(chosen):
            stream, events = left[place]
            count = draw(st.integers(1, min(4, len(events))))
            taken.append((stream, [events.pop(0) for _ in range(count)]))
        made.append(taken)
        left = [each for each in left if each[1]]
    return made


def subjects(parts: Parts) -> set[tuple[Any, ...]]:
    """What an operation touches: its streams, and each insight that was looked at."""
    return {
        (stream.id, event.insight_id if isinstance(event, InsightViewed) else None)
        for stream, events in parts
        for event in events
        if not isinstance(event, HistoryEvent)
    }


@given(drawn=operations(), size=st.integers(1, 9))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_each_operation_makes_one_entry_for_each_thing_it_touches(
    projector: Projecting, drawn: list[Parts], size: int
) -> None:
    await projector.execute("TRUNCATE log, log_heads, activity, activity_subjects, parked_streams")
    await projector.execute("UPDATE checkpoints SET position = 0")
    wanted = 0
    for number, parts in enumerate(drawn):
        await append(projector, UUID(int=number), parts)
        wanted += len(subjects(parts))
    await projector.runner(ActivityProjection(), size=size).catch_up()
    rows = await projector.rows("SELECT operation_id, sequence FROM activity")
    assert len(rows) == wanted
    assert {row["operation_id"] for row in rows} == {
        UUID(int=number) for number, parts in enumerate(drawn) if subjects(parts)
    }
    assert len({row["sequence"] for row in rows}) == wanted
    assert await projector.rows("SELECT * FROM parked_streams") == []


async def test_an_installation_of_before_comes_to_the_rows_of_a_rebuild(
    projector: Projecting,
) -> None:
    for stream, event in EVERY_KIND:
        await projector.append(event, of=stream)
    await projector.append(InsightViewed(INSIGHT, 1), InsightViewed(8, 1), of=viewing())
    await projector.catch_up()
    before = await projector.everything()
    (anew,) = (one.text for one in migrations() if one.number == 30)
    async with projector.pool.connection() as conn:
        await conn.execute(anew.encode())
    assert await projector.rows("SELECT * FROM activity") == []
    await projector.catch_up()
    after = await projector.everything()
    for name in before:
        if name != "checkpoints":
            assert after[name] == before[name], name
    for projection in projections():
        rebuilt = await rebuild(projector.url, projector.store, projection)
        assert (rebuilt.removed, rebuilt.written) == (0, 0)


async def test_what_led_to_an_operation_makes_no_entry_of_its_own(projector: Projecting) -> None:
    history = Stream[DomainEvent](StreamKind.HISTORY, TEAM, 0)
    insight = Stream[DomainEvent](StreamKind.INSIGHT, TEAM, INSIGHT)
    for stream, event in EVERY_KIND[:1]:
        await projector.append(event, of=stream)
    await append(
        projector,
        UUID(int=5),
        [(insight, [InsightRenamed("B", "A")]), (history, [OperationsUndone((UUID(int=4),))])],
    )
    await projector.catch_up()
    rows = await projector.rows("SELECT 1 FROM activity WHERE operation_id = %s", UUID(int=5))
    assert len(rows) == 1
    assert OperationsUndone in get_args(HistoryEvent)
