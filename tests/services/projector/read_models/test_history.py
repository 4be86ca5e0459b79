"""The history projection: one row per operation and stream, and no moment that cuts one in two."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events.dashboard import DashboardCreated, DashboardRenamed, TileAdded
from contracts.events.history import InsightReverted, OperationsUndone
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightDescribed,
    InsightRenamed,
    InsightRestored,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent, SystemActor
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.read_models.insight import InsightRow
from contracts.read_models.version import FOREVER
from domain.insight.view import view
from services.common.log.store import Append, AppendPart
from services.projector.read_models.history import HistoryProjection
from services.projector.rebuild import rebuild
from tests.examples import ALICE, INSIGHT, TEAM, created
from tests.services.projector.projecting import (
    Killed,
    Projecting,
    dashboard,
    insight,
    killed_at,
    viewing,
)
from tests.services.projector.read_models.test_projections import start_over

Part = tuple[Stream[DomainEvent], tuple[DomainEvent, ...]]


async def operation(projector: Projecting, *parts: Part, actor: Any = ALICE) -> int:
    """The position of its last fact."""
    number = uuid4()
    appended = await projector.store.append(
        Append(
            parts=tuple(AppendPart(stream, None, events) for stream, events in parts),
            actor=actor,
            operation_id=number,
            correlation_id=number,
        )
    )
    return appended.position


async def versions(projector: Projecting, number: int = INSIGHT) -> list[dict[str, Any]]:
    """Oldest first."""
    return await projector.rows(
        "SELECT *, row::text AS text FROM insight_versions WHERE stream_id = %s ORDER BY position",
        insight(number).id,
    )


async def history(projector: Projecting, **of_run: Any) -> None:
    await projector.runner(HistoryProjection(), **of_run).catch_up()


async def test_an_operation_is_one_version_at_its_last_fact_over_all_streams(
    projector: Projecting,
) -> None:
    await operation(projector, (insight(), (created(), InsightTagged(("a",), ()))))
    await operation(projector, (dashboard(), (DashboardCreated(dashboard_id=3, name="Growth"),)))
    end = await operation(
        projector,
        (
            insight(),
            (InsightAddedToDashboard(dashboard_id=3, tile_id=31, dashboard_name="Growth"),),
        ),
        (dashboard(), (TileAdded(tile_id=31, insight_id=INSIGHT),)),
        (viewing(), (InsightViewed(INSIGHT, ALICE.user_id),)),
    )
    await history(projector)
    first, second = await versions(projector)
    assert (first["first_version"], first["version"], first["position"]) == (1, 2, 2)
    assert (second["first_version"], second["version"], second["position"]) == (3, 3, end)
    assert (first["until"], second["until"]) == (end, FOREVER)
    assert second["sequence"] == end
    boards = await projector.rows(
        "SELECT * FROM versions WHERE kind = 'dashboard' ORDER BY version"
    )
    assert [row["position"] for row in boards] == [3, end]
    assert (boards[0]["number"], boards[0]["until"]) == (3, end)


async def test_a_version_tells_who_did_what(projector: Projecting) -> None:
    await operation(projector, (insight(), (created(name="A"),)))
    await operation(projector, (insight(), (InsightDeleted(),)), actor=SystemActor())
    await operation(projector, (insight(), (InsightRestored(), InsightRenamed("B", "A"))))
    await operation(projector, (insight(), (InsightRenamed("C", "B"),)))
    await history(projector)
    found = await versions(projector)
    assert [row["activity"] for row in found] == ["created", "deleted", "restored", "updated"]
    assert [row["user_id"] for row in found] == [1, None, 1, 1]
    assert [row["name_key"] for row in found] == ["a", "a", "b", "c"]
    assert [row["deleted"] for row in found] == [False, True, False, False]


async def test_what_history_says_of_operations_is_kept_by_operation(projector: Projecting) -> None:
    taken = (UUID(int=2), UUID(int=1))
    of = Stream[DomainEvent](StreamKind.HISTORY, TEAM, 0)
    undo, revert = uuid4(), uuid4()
    await projector.append(OperationsUndone(taken), of=of, operation=undo)
    await projector.append(InsightReverted(INSIGHT, 3), of=of, operation=revert)
    await history(projector)
    triggers = await projector.rows("SELECT * FROM operation_triggers ORDER BY job_type DESC")
    assert [(row["operation_id"], row["job_type"], row["job_id"]) for row in triggers] == [
        (undo, "undo", str(UUID(int=2))),
        (revert, "revert", "v3"),
    ]
    undone = await projector.rows("SELECT * FROM operations_undone ORDER BY operation_id")
    assert [(row["operation_id"], row["undone_by"]) for row in undone] == [
        (UUID(int=1), undo),
        (UUID(int=2), undo),
    ]


@pytest.mark.parametrize("point", ["begun", "written", "committed"])
async def test_killed_at_any_point_it_catches_up_to_the_same_rows(
    projector: Projecting, point: str
) -> None:
    await operation(projector, (insight(), (created(name="A"), InsightTagged(("a",), ()))))
    for number in range(4):
        named = (InsightRenamed(f"{number}", "A"), InsightDescribed(f"{number}", None))
        await operation(
            projector, (insight(), named), (dashboard(number), (DashboardCreated(number, "D"),))
        )
    for _ in range(3):
        with pytest.raises(Killed):
            # Batches of two cut operations of three facts.
            await history(projector, size=2, crash_at=killed_at(point))
    await history(projector, size=2)
    rebuilt = await rebuild(projector.url, projector.store, HistoryProjection())
    assert (rebuilt.removed, rebuilt.written) == (0, 0)
    assert [row["version"] for row in await versions(projector)] == [2, 4, 6, 8, 10]


NUMBERS = (20, 21)
steps = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS),
        st.integers(1, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(steps, st.integers(1, 5))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_versions_tile_the_stream_and_each_is_the_view_of_its_prefix(
    projector: Projecting, drawn: Sequence[tuple[int, int, bool]], size: int
) -> None:
    await start_over(projector)
    await operation(
        projector,
        *((insight(n), (created(insight_id=n, short_id=f"short0{n}"),)) for n in NUMBERS),
        (dashboard(), (DashboardCreated(dashboard_id=3, name="Growth"),)),
    )
    ends: dict[int, list[int]] = {number: [1] for number in NUMBERS}
    for number, facts, with_board in drawn:
        renames = tuple(InsightRenamed(f"{number} {fact}", None) for fact in range(facts))
        board: list[Part] = [(dashboard(), (DashboardRenamed("Other", "Growth"),))]
        await operation(projector, (insight(number), renames), *(board if with_board else []))
        ends[number].append(ends[number][-1] + facts)
    await history(projector, size=size)
    for number in NUMBERS:
        found = await versions(projector, number)
        assert [row["version"] for row in found] == ends[number]
        assert [row["first_version"] for row in found] == [1, *(v + 1 for v in ends[number][:-1])]
        assert [row["until"] for row in found] == [
            *(row["position"] for row in found[1:]),
            FOREVER,
        ]
        facts_of = await projector.store.load(insight(number))
        for row in found:
            seen = msgspec.json.decode(row["text"], type=InsightRow)
            assert seen == view(facts_of[: row["version"]])  # type: ignore[arg-type]  # an insight's stream
