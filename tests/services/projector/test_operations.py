"""Operations are taken whole: no reader ever sees some facts of one without the others."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from contracts.events.dashboard import DashboardRenamed
from contracts.events.insight import InsightDescribed, InsightRenamed, InsightSaved
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from services.common.log.store import Append, AppendPart
from services.projector.operations import whole_operations
from services.projector.read_models.insights import insight_projection
from tests.examples import ALICE, created
from tests.services.projector.projecting import Projecting, dashboard, insight

Part = tuple[Stream[DomainEvent], tuple[DomainEvent, ...]]


async def one_operation(projector: Projecting, *parts: Part) -> UUID:
    operation = uuid4()
    await projector.store.append(
        Append(
            parts=tuple(AppendPart(stream, None, events) for stream, events in parts),
            actor=ALICE,
            operation_id=operation,
            correlation_id=operation,
        )
    )
    return operation


def renames(count: int) -> tuple[DomainEvent, ...]:
    return tuple(InsightRenamed(str(number), None) for number in range(count))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 100])
async def test_a_batch_ends_where_an_operation_ends(projector: Projecting, size: int) -> None:
    await projector.append(created())
    for count in (3, 1, 5, 2, 2):
        await one_operation(
            projector,
            (insight(), renames(count)),
            (dashboard(), (DashboardRenamed("B", "A"),)),
        )
    everything = await projector.store.read(0)
    last = {entry.operation_id: entry.position for entry in everything}
    position, seen = 0, list[int]()
    while entries := await whole_operations(projector.store, position, size):
        position = entries[-1].position
        assert position == last[entries[-1].operation_id]
        assert len(entries) <= 2 * max(size, 6)
        seen += [entry.position for entry in entries]
    assert seen == [entry.position for entry in everything]


@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_an_operation_is_whole_although_a_row_of_it_is_refused(
    projector: Projecting, size: int
) -> None:
    await projector.append(created(name="A"))
    # Both want the same short id, which the rules never allow.
    await one_operation(
        projector,
        (insight(), (InsightRenamed("B", "A"), InsightSaved())),
        (insight(8), (created(insight_id=8, name="Twin"),)),
        (insight(9), (created(insight_id=9, short_id="third000"),)),
    )
    await projector.append(InsightDescribed("Why", None))
    stood: list[int] = []

    def look(point: str) -> None:
        if point == "committed":
            with psycopg.connect(projector.url) as other:
                row = other.execute(
                    "SELECT position FROM checkpoints WHERE projection = 'insights'"
                ).fetchone()
                assert row is not None
                stood.append(row[0])

    await projector.runner(insight_projection(), size=size, crash_at=look).catch_up()
    assert ends(await projector.store.read(0)) >= set(stood)
    first, third = await projector.insight(), await projector.insight(9)
    assert first is not None
    assert (first.name, first.description) == ("B", "Why")
    assert third is not None
    assert await projector.insight(8) is None
    parked = await projector.rows("SELECT stream_id FROM parked_streams")
    assert [row["stream_id"] for row in parked] == [insight(8).id]


def ends(entries: Sequence[object]) -> set[int]:
    last = {entry.operation_id: entry.position for entry in entries}  # type: ignore[attr-defined]  # of both sorts
    return set(last.values())
