"""An operation on an insight is taken back: the fields, its being there, its dashboards."""

from typing import Any

import pytest

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from tests.domain.undo.undoing import By, places, said, told
from tests.examples import created

NEW = created(name="a", derived_name="a", description="a", order=1)


@pytest.mark.parametrize(
    ("done", "later", "undone", "field"),
    [
        (InsightRenamed("b", "a"), InsightRenamed("c", "b"), InsightRenamed("a", "b"), "name"),
        (
            InsightDerivedNameChanged("b", "a"),
            InsightDerivedNameChanged("c", "b"),
            InsightDerivedNameChanged("a", "b"),
            "derived_name",
        ),
        (
            InsightDescribed("b", "a"),
            InsightDescribed("c", "b"),
            InsightDescribed("a", "b"),
            "description",
        ),
        (InsightReordered(2, 1), InsightReordered(3, 2), InsightReordered(1, 2), "order"),
        (
            InsightTagged(("b",), ()),
            InsightTagged(("b", "c"), ("b",)),
            InsightTagged((), ("b",)),
            "tags",
        ),
    ],
)
def test_a_field_goes_back_unless_it_has_a_third_value(
    done: InsightEvent, later: Any, undone: Any, field: str
) -> None:
    story = told([NEW], [done])
    assert story.undo(2).facts == (undone,)
    assert places(story.undo(2)) == [(field, None)]
    story = told([NEW], [done], [later])
    taken = story.undo(2)
    assert taken.is_refused
    assert taken.facts == ()
    (conflict,) = said(taken.conflicts)
    assert (conflict[0], conflict[1], conflict[5]) == ("changed", field, [3])
    story = told([NEW], [done], [undone])
    assert story.undo(2).facts == ()
    assert story.undo(2).already == (story.past[1].operation_id,)


@pytest.mark.parametrize(
    ("done", "undone"),
    [
        (InsightFavorited(), InsightUnfavorited()),
        (InsightUnsaved(), InsightSaved()),
    ],
)
def test_a_mark_goes_back_either_way(done: InsightEvent, undone: InsightEvent) -> None:
    assert told([NEW], [done]).undo(2).facts == (undone,)
    assert told([NEW], [done], [undone]).undo(3).facts == (done,)
    assert told([NEW], [done], [undone]).undo(2).facts == ()


def test_a_conflict_says_both_sides_and_everybody_who_moved_it() -> None:
    story = told(
        [NEW],
        [InsightRenamed("b", "a")],
        [InsightRenamed("c", "b"), InsightFavorited()],
        [InsightDescribed("x", "a")],
        [InsightRenamed("d", "c")],
    )
    (conflict,) = story.undo(2).conflicts
    assert (conflict.kind, conflict.number) == ("insight", 7)
    assert said([conflict]) == [("changed", "name", None, '"b"', '"d"', [3, 5])]


def test_what_is_again_as_the_operation_left_it_counts_as_left_by_it() -> None:
    story = told(
        [NEW], [InsightRenamed("b", "a")], [InsightRenamed("c", "b")], [InsightRenamed("b", "c")]
    )
    assert story.undo(2).facts == (InsightRenamed("a", "b"),)


def test_one_conflict_refuses_all_but_what_was_asked_for() -> None:
    story = told(
        [NEW],
        [InsightRenamed("b", "a"), InsightDescribed("b", "a")],
        [InsightRenamed("c", "b")],
    )
    taken = story.undo(2)
    assert taken.facts == ()
    assert said(taken.conflicts) == [("changed", "name", None, '"b"', '"c"', [3])]
    assert places(taken) == [("description", None)]
    back = (InsightDescribed("a", "b"),)
    assert story.undo(2, only_free=True).facts == back
    assert story.undo(2, fields=frozenset({"description"})).facts == back
    assert story.undo(2, fields=frozenset({"name"})).is_refused
    assert story.undo(2, fields=frozenset({"tags"})).facts == ()


def test_an_operation_counts_as_undone_only_when_nothing_of_it_would_change() -> None:
    story = told([NEW], [InsightRenamed("b", "a"), InsightDescribed("b", "a")])
    story.append(story.undo(2, fields=frozenset({"name"})).facts, story.past[0].operation_id)
    rest = story.undo(2)
    assert (rest.already, rest.facts) == ((), (InsightDescribed("a", "b"),))
    story.append(rest.facts, story.past[0].operation_id)
    assert story.undo(2).already == (story.past[1].operation_id,)
    conflict = told([NEW], [InsightRenamed("b", "a")], [InsightRenamed("c", "b")])
    assert conflict.undo(2, only_free=True).already == ()


def test_a_field_that_one_operation_moved_twice_goes_back_to_where_it_began() -> None:
    story = told([NEW], [InsightRenamed("b", "a"), InsightRenamed("c", "b")])
    assert story.undo(2).facts == (InsightRenamed("a", "c"),)
    nowhere = [InsightRenamed("b", "a"), InsightRenamed("a", "b")]
    assert told([NEW], nowhere, [InsightRenamed("c", "a")]).undo(2).already


def test_what_was_made_is_deleted_with_all_that_came_with_it() -> None:
    made: list[InsightEvent] = [
        NEW,
        InsightTagged(("x",), ()),
        InsightAddedToDashboard(31, 3, "Growth"),
    ]
    story = told(made, [InsightRenamed("b", "a")])
    assert story.undo(1).facts == (InsightDeleted(),)
    assert told(made, [InsightDeleted()]).undo(1).already
    assert told([*made, InsightDeleted()]).undo(1).already


def test_what_others_have_changed_since_it_was_made_is_deleted_by_force_alone() -> None:
    story = told(
        [NEW],
        By([InsightRenamed("b", "a")]),
        [InsightRenamed("c", "b")],
        By([InsightFavorited(), InsightSaved()]),
    )
    taken = story.undo(1)
    assert taken.facts == ()
    assert said(taken.conflicts) == [("edited_since", "deleted", None, "false", "false", [2, 4])]
    assert story.undo(1, only_free=True).facts == ()
    assert story.undo(1, force=True).facts == (InsightDeleted(),)


def test_a_deletion_and_a_restoration_are_taken_back() -> None:
    story = told([NEW, InsightAddedToDashboard(31, 3, "Growth")], [InsightDeleted()])
    assert story.undo(2).facts == (InsightRestored(),)
    story.append([InsightRestored()], story.past[0].operation_id)
    assert story.undo(2).already
    story = told([NEW], [InsightDeleted()], [InsightRestored(), InsightRenamed("b", "a")])
    assert story.undo(3).facts == (InsightRenamed("a", "b"), InsightDeleted())


def test_nothing_of_an_insight_that_was_deleted_since_can_change() -> None:
    story = told([NEW], [InsightRenamed("b", "a")], By([InsightDeleted()]))
    assert said(story.undo(2).conflicts) == [("deleted", "name", None, '"b"', '"b"', [3])]
    assert story.undo(2, only_free=True).facts == ()
    story = told([NEW], [InsightRenamed("b", "a"), InsightDeleted()])
    assert story.undo(2).facts == (InsightRestored(), InsightRenamed("a", "b"))
    alone = story.undo(2, fields=frozenset({"name"}))
    assert said(alone.conflicts) == [("deleted", "name", None, '"b"', '"b"', [])]


ON, OFF = InsightAddedToDashboard(31, 3, "Growth"), InsightRemovedFromDashboard(31, 3, "Growth")
ELSEWHERE = InsightAddedToDashboard(41, 4, "Sales")


def test_a_put_on_is_taken_off_and_leaves_other_dashboards_alone() -> None:
    story = told([NEW], [ON], [ELSEWHERE])
    assert story.undo(2).facts == (OFF,)
    assert places(story.undo(2)) == [("dashboards", "/3")]
    assert told([NEW], [ON], [OFF]).undo(2).already


def test_a_take_off_is_put_back_under_its_tile_where_the_dashboard_is_open() -> None:
    story = told([NEW], [ON, ELSEWHERE], [OFF])
    renamed = InsightAddedToDashboard(31, 3, "More growth")
    assert story.undo(3, dashboards={3: "More growth"}).facts == (renamed,)
    closed = story.undo(3, dashboards={4: "Sales"})
    assert said(closed.conflicts) == [("dashboard", "dashboards", "/3", "false", "false", [])]
    assert closed.facts == ()
    story.append([ON], story.past[0].operation_id)
    assert story.undo(3).already


def test_a_put_on_is_taken_off_though_the_dashboard_is_gone() -> None:
    assert told([NEW], [ON]).undo(2, dashboards={}).facts == (OFF,)


def test_what_went_with_its_dashboard_comes_back_with_it() -> None:
    story = told([NEW, ON], [OFF, InsightDeleted()])
    assert story.undo(2, dashboards={3: "Growth"}).facts == (InsightRestored(), ON)
    story.append([InsightRestored(), ON], story.past[0].operation_id)
    assert story.undo(2, dashboards={3: "Growth"}).already


def test_several_are_taken_back_the_newest_first() -> None:
    story = told(
        [NEW],
        [InsightRenamed("b", "a"), ON],
        [InsightRenamed("c", "b")],
        [InsightDescribed("b", "a")],
    )
    taken = story.undo(4, 3, 2)
    assert taken.facts == (
        InsightDescribed("a", "b"),
        InsightRenamed("b", "c"),
        InsightRenamed("a", "b"),
        OFF,
    )
    assert story.undo(4, 3, 2, 1).facts[-1] == InsightDeleted()
    # One that has a conflict refuses all of them.
    story.append([InsightRenamed("d", "c")], story.past[0].operation_id)
    taken = story.undo(4, 3)
    assert (taken.is_refused, taken.facts) == (True, ())
    assert places(taken) == [("description", None)]
    assert story.undo(4, 3, only_free=True).facts == (InsightDescribed("a", "b"),)
    assert story.undo(2).is_refused


def test_what_an_operation_did_not_touch_is_not_there_to_be_undone() -> None:
    story = told([NEW])
    assert story.undo(9).already
    assert story.undo(9).facts == ()
