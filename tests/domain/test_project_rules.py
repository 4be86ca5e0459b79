"""What follows from a command on a project's settings."""

from typing import Any

import pytest
from msgspec import Raw

from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.events.streams import StreamKind
from domain.project.commands import ChangeProject, ProjectCommand, RegisterProject
from domain.project.decide import decide
from domain.project.view import view
from tests.domain.story import Past
from tests.examples import recorded, stream

NONE = Raw(b"[]")
STAFF = Raw(b'[{"key":"email","value":"@shop"}]')
MADE = ProjectRegistered(name="Shop", timezone="UTC", week_start_day=0, test_account_filters=NONE)


def past(*events: ProjectEvent) -> Past[ProjectCommand, ProjectEvent]:
    project = view(recorded(events, of=stream(StreamKind.PROJECT, 0)))
    return Past(lambda command: decide(command, project))


def changed(**fields: Any) -> ChangeProject:
    return ChangeProject(made=MADE, **fields)


def test_a_project_is_registered_once() -> None:
    past().when(RegisterProject(MADE)).then(MADE)
    past(MADE).when(RegisterProject(MADE)).then_nothing()


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (changed(name="Web shop"), ProjectRenamed("Web shop", "Shop")),
        (changed(timezone="Asia/Tokyo"), ProjectTimezoneChanged("Asia/Tokyo", "UTC")),
        (changed(week_start_day=1), ProjectWeekStartChanged(1, 0)),
        (changed(test_account_filters=STAFF), ProjectTestAccountFiltersChanged(STAFF, NONE)),
    ],
)
def test_each_change_is_recorded_beside_what_was_there(
    command: ChangeProject, fact: ProjectEvent
) -> None:
    past(MADE).when(command).then(fact)


def test_the_first_change_tells_what_the_project_was_made_with() -> None:
    past().when(changed(name="Web shop")).then(MADE, ProjectRenamed("Web shop", "Shop"))


def test_saying_what_is_there_already_changes_nothing() -> None:
    same = changed(name="Shop", timezone="UTC", week_start_day=0, test_account_filters=NONE)
    past().when(same).then_nothing()
    past(MADE).when(same).then_nothing()
    past(MADE, ProjectRenamed("Web shop", "Shop")).when(changed(name="Web shop")).then_nothing()


def test_the_view_follows_every_fact() -> None:
    history = recorded(
        [
            MADE,
            ProjectRenamed("Web shop", "Shop"),
            ProjectTimezoneChanged("Asia/Tokyo", "UTC"),
            ProjectWeekStartChanged(1, 0),
            ProjectTestAccountFiltersChanged(STAFF, NONE),
        ],
        of=stream(StreamKind.PROJECT, 0),
    )
    row = view(history)
    assert row is not None
    assert (row.name, row.timezone, row.week_start_day) == ("Web shop", "Asia/Tokyo", 1)
    assert (row.test_account_filters, row.version) == (STAFF, 5)
