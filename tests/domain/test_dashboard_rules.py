"""What follows from a command on a dashboard, and what it does to its insights."""

import pytest
from msgspec import Raw

from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardEvent,
    DashboardFiltersChanged,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardRestricted,
    DashboardTagged,
    DashboardUnpinned,
    TileAdded,
    TileArranged,
)
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightRemovedFromDashboard,
    InsightRestored,
)
from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from contracts.read_models.dashboard import DashboardTile
from domain.dashboard.commands import (
    AddTile,
    Arrangement,
    CreateDashboard,
    DashboardCommand,
    EditDashboard,
)
from domain.dashboard.decide import decide
from domain.dashboard.view import view
from domain.errors import AlreadyExists, NotFound
from domain.insight.commands import LeaveDashboard, ReturnToDashboard
from tests.domain.story import Past
from tests.domain.story import past as insight_past
from tests.examples import ALICE, INSIGHT, recorded, stream
from tests.examples import created as insight_created

GROWTH = 3
MADE = DashboardCreated(dashboard_id=GROWTH, name="Growth")
TILE = TileAdded(tile_id=31, insight_id=INSIGHT)
LAST_WEEK = Raw(b'{"date_from":"-7d"}')
WIDE = Raw(b'{"sm":{"w":6}}')
ON = InsightAddedToDashboard(tile_id=31, dashboard_id=GROWTH, dashboard_name="Growth")
OFF = InsightRemovedFromDashboard(tile_id=31, dashboard_id=GROWTH, dashboard_name="Growth")


def past(*events: DashboardEvent) -> Past[DashboardCommand, DashboardEvent]:
    dashboard = view(recorded(events, of=stream(StreamKind.DASHBOARD, GROWTH)))
    return Past(lambda command: decide(command, dashboard))


def test_a_dashboard_is_created_once_with_its_tags() -> None:
    command = CreateDashboard(dashboard_id=GROWTH, name="Growth", tags=(" B", "a"))
    past().when(command).then(MADE, DashboardTagged(tags=("a", "b"), previous=()))
    past(MADE).when(command).then_refused(AlreadyExists)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (EditDashboard(name=None), DashboardRenamed(None, "Growth")),
        (EditDashboard(description="Why"), DashboardDescribed("Why", "")),
        (EditDashboard(filters=LAST_WEEK), DashboardFiltersChanged(LAST_WEEK, EMPTY_OBJECT)),
        (EditDashboard(restriction_level=37), DashboardRestricted(37, 21)),
        (EditDashboard(tags=("X",)), DashboardTagged(("x",), ())),
        (EditDashboard(pinned=True), DashboardPinned()),
        (EditDashboard(deleted=True), DashboardDeleted()),
    ],
)
def test_each_change_is_recorded_beside_what_was_there(
    command: EditDashboard, fact: DashboardEvent
) -> None:
    past(MADE).when(command).then(fact)


def test_saying_what_is_there_already_changes_nothing() -> None:
    past(MADE, DashboardFiltersChanged(LAST_WEEK, EMPTY_OBJECT)).when(
        EditDashboard(
            name="Growth",
            description="",
            filters=Raw(b'{ "date_from": "-7d" }'),
            restriction_level=21,
            pinned=False,
            tags=(),
            deleted=False,
        )
    ).then_nothing()


def test_a_deleted_dashboard_is_out_of_reach_until_it_is_restored() -> None:
    gone = past(MADE, TILE, DashboardDeleted((31,), (INSIGHT,)))
    gone.when(EditDashboard(name="x")).then_refused(NotFound)
    gone.when(EditDashboard(deleted=True)).then_refused(NotFound)
    gone.when(AddTile(tile_id=99, insight_id=8)).then_refused(NotFound)
    gone.when(EditDashboard(deleted=False, name="x")).then(
        DashboardRestored(), DashboardRenamed("x", "Growth")
    )


def test_a_dashboard_that_never_was_is_not_found() -> None:
    past().when(EditDashboard(name="x")).then_refused(NotFound)
    past().when(AddTile(tile_id=1, insight_id=INSIGHT)).then_refused(NotFound)


def test_an_insight_has_one_tile_on_a_dashboard_for_good() -> None:
    past(MADE).when(AddTile(tile_id=31, insight_id=INSIGHT)).then(TILE)
    past(MADE, TILE).when(AddTile(tile_id=99, insight_id=INSIGHT)).then_nothing()


def test_a_tile_is_arranged_and_one_that_is_not_there_says_nothing() -> None:
    board = past(MADE, TILE)
    board.when(EditDashboard(arrangements=(Arrangement(tile_id=31, layouts=WIDE),))).then(
        TileArranged(31, None, WIDE, None, EMPTY_OBJECT)
    )
    board.when(EditDashboard(arrangements=(Arrangement(tile_id=31, color=None),))).then_nothing()
    board.when(EditDashboard(arrangements=(Arrangement(tile_id=5, color="blue"),))).then_nothing()


def test_the_view_follows_marks_tiles_and_deletion() -> None:
    history = recorded(
        [
            MADE,
            DashboardRestricted(37, 21),
            DashboardPinned(),
            DashboardUnpinned(),
            TILE,
            TileArranged(31, "blue", WIDE, None, EMPTY_OBJECT),
            DashboardDeleted((31,), (INSIGHT,)),
        ],
        of=stream(StreamKind.DASHBOARD, GROWTH),
    )
    row = view(history)
    assert row is not None
    assert (row.restriction_level, row.pinned, row.deleted) == (37, False, True)
    assert row.tiles == (DashboardTile(31, INSIGHT, "blue", WIDE),)
    assert (row.gone_tiles, row.gone_insights) == ((31,), (INSIGHT,))
    assert (row.created_at, row.created_by) == (history[0].at, ALICE.user_id)
    assert (row.updated_at, row.version) == (history[-1].at, 7)


def test_an_insight_leaves_with_its_dashboard_and_returns_with_it() -> None:
    there = insight_past(insight_created(), ON)
    there.when(LeaveDashboard(dashboard_id=GROWTH)).then(OFF)
    there.when(LeaveDashboard(dashboard_id=GROWTH, delete=True)).then(OFF, InsightDeleted())
    there.when(LeaveDashboard(dashboard_id=4)).then_nothing()
    insight_past(insight_created(), ON, OFF).when(
        LeaveDashboard(dashboard_id=GROWTH, delete=True)
    ).then_nothing()
    gone = insight_past(insight_created(), ON, OFF, InsightDeleted())
    gone.when(ReturnToDashboard(dashboard_id=GROWTH, name="Growth", restore=True)).then(
        InsightRestored(), ON
    )
    gone.when(ReturnToDashboard(dashboard_id=GROWTH, name="Growth")).then(ON)
    there.when(ReturnToDashboard(dashboard_id=GROWTH, name="Growth")).then_nothing()
    insight_past().when(ReturnToDashboard(dashboard_id=GROWTH, name="Growth")).then_nothing()


def test_a_deleted_insight_leaves_too_or_restoring_it_would_bring_back_what_is_gone() -> None:
    insight_past(insight_created(), ON, InsightDeleted()).when(
        LeaveDashboard(dashboard_id=GROWTH, delete=True)
    ).then(OFF)
