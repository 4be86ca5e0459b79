"""An operation on a dashboard is taken back; what it did to insights is in their own streams."""

from typing import Any

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
from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from tests.domain.undo.undoing import By, Told, places, said
from tests.examples import stream

NEW = DashboardCreated(3, "a", "a")
TILE = TileAdded(31, 7)
BOX = Raw(b'{"sm":{"w":6}}')


def board(*operations: Any) -> Told:
    return Told(stream(StreamKind.DASHBOARD, 3), *operations)


@pytest.mark.parametrize(
    ("done", "undone", "later"),
    [
        (DashboardRenamed("b", "a"), DashboardRenamed("a", "b"), DashboardRenamed("c", "b")),
        (DashboardDescribed("b", "a"), DashboardDescribed("a", "b"), DashboardDescribed("c", "b")),
        (
            DashboardTagged(("x",), ()),
            DashboardTagged((), ("x",)),
            DashboardTagged(("y",), ("x",)),
        ),
        (
            DashboardFiltersChanged(BOX, EMPTY_OBJECT),
            DashboardFiltersChanged(EMPTY_OBJECT, BOX),
            DashboardFiltersChanged(Raw(b'{"sm":1}'), BOX),
        ),
        (DashboardRestricted(37, 21), DashboardRestricted(21, 37), None),
        (DashboardPinned(), DashboardUnpinned(), None),
    ],
)
def test_a_field_goes_back(
    done: DashboardEvent, undone: DashboardEvent, later: DashboardEvent | None
) -> None:
    story = board([NEW], [done])
    assert story.undo(2).facts == (undone,)
    story.append([undone], story.past[0].operation_id)
    assert story.undo(2).already
    assert story.undo(2).facts == ()
    if later is not None:
        assert board([NEW], [done], [later]).undo(2).is_refused


def test_a_path_of_its_filters_goes_back_alone() -> None:
    one, two = Raw(b'{"date_from":"-7d"}'), Raw(b'{"date_from":"-7d","properties":[]}')
    story = board(
        [NEW], [DashboardFiltersChanged(one, EMPTY_OBJECT)], [DashboardFiltersChanged(two, one)]
    )
    assert story.undo(2).facts == (DashboardFiltersChanged(Raw(b'{"properties":[]}'), two),)


def test_a_tile_gets_its_look_back_part_by_part() -> None:
    story = board([NEW, TILE], [TileArranged(31, "blue", BOX, None, EMPTY_OBJECT)])
    assert story.undo(2).facts == (TileArranged(31, None, EMPTY_OBJECT, "blue", BOX),)
    assert places(story.undo(2)) == [("tiles", "/31/color"), ("tiles", "/31/layouts")]
    story.append([TileArranged(31, "red", BOX, "blue", BOX)], story.past[0].operation_id)
    taken = story.undo(2)
    assert [(each.field, each.path) for each in taken.conflicts] == [("tiles", "/31/color")]
    assert story.undo(2, only_free=True).facts == (
        TileArranged(31, "red", EMPTY_OBJECT, "red", BOX),
    )


def test_the_coming_of_a_tile_changes_nothing_that_could_go_back() -> None:
    assert board([NEW], [TILE]).undo(2).already
    assert board([NEW], [TILE]).undo(2).facts == ()


def test_a_deletion_is_restored_and_a_restoration_deleted_with_what_goes_along() -> None:
    gone = DashboardDeleted((31,), (7,))
    story = board([NEW, TILE], [gone])
    assert story.undo(2).facts == (DashboardRestored(),)
    story.append([DashboardRestored()], story.past[0].operation_id)
    assert story.undo(2).already
    story = board([NEW, TILE], [gone], [DashboardRestored()])
    assert story.undo(3, live_tiles=(31,), going_insights=(7,)).facts == (gone,)


def test_what_was_made_is_deleted_unless_others_have_changed_it_since() -> None:
    story = board([NEW, DashboardTagged(("x",), ())], [DashboardRenamed("b", "a"), TILE])
    assert story.undo(1, live_tiles=(31,)).facts == (DashboardDeleted((31,)),)
    story = board([NEW], By([TILE]))
    assert said(story.undo(1).conflicts) == [
        ("edited_since", "deleted", None, "false", "false", [2])
    ]
    assert story.undo(1, force=True).facts == (DashboardDeleted(),)


def test_nothing_of_a_dashboard_that_was_deleted_since_can_change() -> None:
    story = board([NEW], [DashboardRenamed("b", "a")], [DashboardDeleted()])
    assert said(story.undo(2).conflicts) == [("deleted", "name", None, '"b"', '"b"', [3])]
