"""What follows from a command on an action."""

import pytest
from msgspec import Raw

from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionEvent,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.events.streams import StreamKind
from domain.action.commands import ActionCommand, CreateAction, EditAction
from domain.action.decide import decide
from domain.action.view import view
from domain.errors import AlreadyExists, NotFound
from tests.domain.story import Past
from tests.examples import ALICE, recorded, stream

PAID = Raw(b'[{"event":"paid"}]')
BOUGHT = Raw(b'[{"event":"paid"},{"event":"ordered"}]')
MADE = ActionCreated(action_id=5, name="Pays", steps=PAID)


def past(*events: ActionEvent) -> Past[ActionCommand, ActionEvent]:
    action = view(recorded(events, of=stream(StreamKind.ACTION, 5)))
    return Past(lambda command: decide(command, action))


def test_an_action_is_created_once() -> None:
    command = CreateAction(action_id=5, name="Pays", steps=PAID)
    past().when(command).then(MADE)
    past(MADE).when(command).then_refused(AlreadyExists)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (EditAction(name=None), ActionRenamed(None, "Pays")),
        (EditAction(description="Money"), ActionDescribed("Money", "")),
        (EditAction(steps=BOUGHT), ActionStepsChanged(BOUGHT, PAID)),
        (EditAction(deleted=True), ActionDeleted()),
    ],
)
def test_each_change_is_recorded_beside_what_was_there(
    command: EditAction, fact: ActionEvent
) -> None:
    past(MADE).when(command).then(fact)


def test_saying_what_is_there_already_changes_nothing() -> None:
    past(MADE).when(
        EditAction(name="Pays", description="", steps=PAID, deleted=False)
    ).then_nothing()


def test_a_deleted_action_is_out_of_reach_until_it_is_restored() -> None:
    past().when(EditAction(name="x")).then_refused(NotFound)
    past(MADE, ActionDeleted()).when(EditAction(name="x")).then_refused(NotFound)
    past(MADE, ActionDeleted()).when(EditAction(deleted=False)).then(ActionRestored())


def test_the_view_follows_every_fact() -> None:
    history = recorded(
        [
            MADE,
            ActionRenamed("Buys", "Pays"),
            ActionDescribed("Money", ""),
            ActionStepsChanged(BOUGHT, PAID),
            ActionDeleted(),
        ],
        of=stream(StreamKind.ACTION, 5),
    )
    row = view(history)
    assert row is not None
    assert (row.name, row.description, row.steps, row.deleted) == ("Buys", "Money", BOUGHT, True)
    assert (row.created_by, row.updated_at, row.version) == (ALICE.user_id, history[-1].at, 5)
