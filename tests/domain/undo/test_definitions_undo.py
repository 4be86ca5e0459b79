"""Operations on actions, cohorts and a project's settings are taken back."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from contracts.events.action import (
    NO_STEPS,
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortDescribed,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRenamed,
    CohortRestored,
)
from contracts.events.project import (
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from tests.domain.undo.undoing import By, Told, places, said
from tests.examples import stream

ACTION, COHORT = ActionCreated(5, "a", "a"), CohortCreated(6, "a", "a")
PROJECT = ProjectRegistered("a", "UTC", 0, Raw(b"[]"))
STEPS = Raw(b'[{"event":"paid"}]')
PRO = Raw(b'{"properties":{"type":"AND","values":[{"key":"plan","type":"person","value":"pro"}]}}')
STAFF = Raw(b'[{"key":"email","type":"person","operator":"icontains","value":"@us"}]')


def told(kind: StreamKind, *operations: Any) -> Told:
    numbers = {StreamKind.ACTION: 5, StreamKind.COHORT: 6}
    return Told(stream(kind, numbers.get(kind, 0)), *operations)


def action(*operations: Any) -> Told:
    return told(StreamKind.ACTION, *operations)


def cohort(*operations: Any) -> Told:
    return told(StreamKind.COHORT, *operations)


def project(*operations: Any) -> Told:
    return told(StreamKind.PROJECT, *operations)


@pytest.mark.parametrize(
    ("kind", "first", "done", "undone", "later"),
    [
        (
            StreamKind.ACTION,
            ACTION,
            ActionRenamed("b", "a"),
            ActionRenamed("a", "b"),
            ActionRenamed("c", "b"),
        ),
        (
            StreamKind.ACTION,
            ACTION,
            ActionDescribed("b", "a"),
            ActionDescribed("a", "b"),
            ActionDescribed("c", "b"),
        ),
        (
            StreamKind.ACTION,
            ACTION,
            ActionStepsChanged(STEPS, NO_STEPS),
            ActionStepsChanged(NO_STEPS, STEPS),
            ActionStepsChanged(Raw(b"[{}]"), STEPS),
        ),
        (StreamKind.ACTION, ACTION, ActionDeleted(), ActionRestored(), None),
        (
            StreamKind.COHORT,
            COHORT,
            CohortRenamed("b", "a"),
            CohortRenamed("a", "b"),
            CohortRenamed("c", "b"),
        ),
        (
            StreamKind.COHORT,
            COHORT,
            CohortDescribed("b", "a"),
            CohortDescribed("a", "b"),
            CohortDescribed("c", "b"),
        ),
        (
            StreamKind.COHORT,
            COHORT,
            CohortFiltersChanged(PRO, EMPTY_OBJECT),
            CohortFiltersChanged(EMPTY_OBJECT, PRO),
            CohortFiltersChanged(Raw(b'{"properties":[]}'), PRO),
        ),
        (StreamKind.COHORT, COHORT, CohortDeleted(), CohortRestored(), None),
        (
            StreamKind.PROJECT,
            PROJECT,
            ProjectRenamed("b", "a"),
            ProjectRenamed("a", "b"),
            ProjectRenamed("c", "b"),
        ),
        (
            StreamKind.PROJECT,
            PROJECT,
            ProjectTimezoneChanged("Asia/Tokyo", "UTC"),
            ProjectTimezoneChanged("UTC", "Asia/Tokyo"),
            ProjectTimezoneChanged("Europe/Berlin", "Asia/Tokyo"),
        ),
        (
            StreamKind.PROJECT,
            PROJECT,
            ProjectWeekStartChanged(1, 0),
            ProjectWeekStartChanged(0, 1),
            None,
        ),
        (
            StreamKind.PROJECT,
            PROJECT,
            ProjectTestAccountFiltersChanged(STAFF, Raw(b"[]")),
            ProjectTestAccountFiltersChanged(Raw(b"[]"), STAFF),
            ProjectTestAccountFiltersChanged(Raw(b"[1]"), STAFF),
        ),
    ],
)
def test_a_field_goes_back(
    kind: StreamKind,
    first: DomainEvent,
    done: DomainEvent,
    undone: DomainEvent,
    later: DomainEvent | None,
) -> None:
    story = told(kind, [first], [done])
    assert story.undo(2).facts == (undone,)
    story.append([undone], story.past[0].operation_id)
    assert story.undo(2).already
    assert story.undo(2).facts == ()
    if later is not None:
        assert told(kind, [first], [done], [later]).undo(2).is_refused


@pytest.mark.parametrize(
    ("kind", "first", "edit", "deleted"),
    [
        (StreamKind.ACTION, ACTION, ActionRenamed("b", "a"), ActionDeleted()),
        (StreamKind.COHORT, COHORT, CohortRenamed("b", "a"), CohortDeleted()),
    ],
)
def test_what_was_made_is_deleted_unless_others_have_changed_it_since(
    kind: StreamKind, first: DomainEvent, edit: DomainEvent, deleted: DomainEvent
) -> None:
    assert told(kind, [first], [edit]).undo(1).facts == (deleted,)
    story = told(kind, [first], By([edit]))
    assert said(story.undo(1).conflicts) == [
        ("edited_since", "deleted", None, "false", "false", [2])
    ]
    assert story.undo(1, force=True).facts == (deleted,)


def test_a_restoration_is_deleted_again() -> None:
    story = action([ACTION], [ActionDeleted()], [ActionRestored()])
    assert story.undo(3).facts == (ActionDeleted(),)
    assert cohort([COHORT], [CohortDeleted()], [CohortRestored()]).undo(3).facts == (
        CohortDeleted(),
    )


def test_steps_of_an_action_and_filters_of_a_cohort_go_back_path_by_path() -> None:
    one, two = (
        Raw(b'[{"event":"paid","url":"/a"}]'),
        Raw(b'[{"event":"paid","url":"/a","href":"x"}]'),
    )
    story = action(
        [ActionCreated(5, steps=STEPS)],
        [ActionStepsChanged(one, STEPS)],
        [ActionStepsChanged(two, one)],
    )
    back = Raw(b'[{"event":"paid","href":"x"}]')
    assert story.undo(2).facts == (ActionStepsChanged(back, two),)
    assert places(story.undo(2)) == [("steps", "/0/url")]
    free, both = (
        Raw(bytes(PRO).replace(b'"pro"', each)) for each in (b'"free"', b'["pro","free"]')
    )
    story = cohort(
        [CohortCreated(6, filters=PRO)],
        [CohortFiltersChanged(free, PRO)],
        [CohortFiltersChanged(both, free)],
    )
    (conflict,) = story.undo(2).conflicts
    assert (conflict.code, conflict.path) == ("changed", "/properties/values/0/value")


def test_steps_and_filters_that_are_refused_today_do_not_come_back() -> None:
    wrong = Raw(b'[{"properties":[5]}]')
    story = action([ActionCreated(5, steps=wrong)], [ActionStepsChanged(STEPS, wrong)])
    assert [each.code for each in story.undo(2).conflicts] == ["not_valid"]
    assert (
        action([ActionCreated(5, steps=Raw(b"[5]"))], [ActionStepsChanged(STEPS, Raw(b"[5]"))])
        .undo(2)
        .is_refused
    )
    event = Raw(bytes(PRO).replace(b"person", b"event"))
    story = cohort([CohortCreated(6, filters=event)], [CohortFiltersChanged(PRO, event)])
    (conflict,) = story.undo(2).conflicts
    assert conflict.code == "not_valid"
    assert conflict.reason is not None


def test_people_are_not_taken_out_of_a_list_again() -> None:
    new, people = CohortCreated(6, is_static=True), CohortPeopleAdded((UUID(int=1),))
    taken = cohort([new], [people, CohortRenamed("b", None)]).undo(2)
    assert [each.type for each in taken.not_undoable] == ["cohort.people_added.v1"]
    assert taken.facts == ()
    story = cohort([new], [people, CohortRenamed("b", None)])
    assert story.undo(2, only_free=True).facts == (CohortRenamed(None, "b"),)
    # They go with the list that they came with.
    assert cohort([new, people]).undo(1).facts == (CohortDeleted(),)


def test_a_project_stays_registered_and_its_first_change_goes_back() -> None:
    taken = project([PROJECT]).undo(1)
    assert [each.type for each in taken.not_undoable] == ["project.registered.v1"]
    story = project([PROJECT, ProjectRenamed("b", "a")])
    assert story.undo(1).facts == (ProjectRenamed("a", "b"),)
