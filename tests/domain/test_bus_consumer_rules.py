"""What follows from a command on a bus consumer."""

import pytest

from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerEvent,
    BusConsumerMoved,
    BusConsumerPaused,
    BusConsumerRenamed,
    BusConsumerResumed,
    BusConsumerTypesChanged,
    BusPasswordRotated,
    BusStart,
)
from contracts.events.streams import StreamKind
from domain.bus_consumer.changes import changes
from domain.bus_consumer.commands import (
    BusConsumerCommand,
    CreateBusConsumer,
    DeleteBusConsumer,
    EditBusConsumer,
    RotateBusPassword,
)
from domain.bus_consumer.decide import decide
from domain.bus_consumer.view import view
from domain.errors import AlreadyExists, NotFound
from tests.domain.story import Past
from tests.examples import recorded, stream

START = BusStart(510, 812)
MADE = BusConsumerCreated(3, "bc_a", "Billing", ("insight.*",), START, 4)
EVERY_CHANGE: list[tuple[BusConsumerCommand, BusConsumerEvent, tuple[str, str, str]]] = [
    (
        EditBusConsumer(name="Invoices"),
        BusConsumerRenamed("Invoices", "Billing"),
        ("name", '"Billing"', '"Invoices"'),
    ),
    (
        EditBusConsumer(types=()),
        BusConsumerTypesChanged((), ("insight.*",)),
        ("types", '["insight.*"]', "[]"),
    ),
    (
        EditBusConsumer(after=BusStart(0, 0)),
        BusConsumerMoved(BusStart(0, 0), START),
        ("after", '"510"', '"0"'),
    ),
    (EditBusConsumer(paused=True), BusConsumerPaused(), ("paused", "false", "true")),
    (RotateBusPassword(5), BusPasswordRotated(5, 4), ("password", "4", "5")),
    (DeleteBusConsumer(), BusConsumerDeleted(), ("deleted", "false", "true")),
]


def past(*events: BusConsumerEvent) -> Past[BusConsumerCommand, BusConsumerEvent]:
    consumer = view(recorded(events, of=stream(StreamKind.BUS_CONSUMER, 3)))
    return Past(lambda command: decide(command, consumer))


def test_a_consumer_is_created_once() -> None:
    command = CreateBusConsumer(
        consumer_id=3, key="bc_a", name="Billing", types=("insight.*",), after=START, password_id=4
    )
    past().when(command).then(MADE)
    past(MADE).when(command).then_refused(AlreadyExists)


@pytest.mark.parametrize(("command", "fact", "line"), EVERY_CHANGE)
def test_each_change_is_recorded_beside_what_was_there(
    command: BusConsumerCommand, fact: BusConsumerEvent, line: tuple[str, str, str]
) -> None:
    past(MADE).when(command).then(fact)
    (change,) = changes(fact)
    assert (change.field, bytes(change.before).decode(), bytes(change.after).decode()) == line


def test_saying_what_is_there_already_changes_nothing_but_a_seek_begins_anew() -> None:
    same = EditBusConsumer(name="Billing", types=("insight.*",), paused=False)
    past(MADE).when(same).then_nothing()
    past(MADE).when(EditBusConsumer(after=START)).then(BusConsumerMoved(START, START))


def test_a_paused_one_goes_on() -> None:
    past(MADE, BusConsumerPaused()).when(EditBusConsumer(paused=False)).then(BusConsumerResumed())


@pytest.mark.parametrize("command", [command for command, _, _ in EVERY_CHANGE])
def test_one_that_is_gone_or_never_was_takes_no_command(command: BusConsumerCommand) -> None:
    past().when(command).then_refused(NotFound)
    past(MADE, BusConsumerDeleted()).when(command).then_refused(NotFound)


def test_each_beginning_is_told_apart() -> None:
    moved = BusConsumerMoved(START, START)
    history = recorded([MADE, BusConsumerPaused(), moved], of=stream(StreamKind.BUS_CONSUMER, 3))
    begun = [row.begun for n in range(1, 4) if (row := view(history[:n])) is not None]
    assert begun == [1, 1, 3]
