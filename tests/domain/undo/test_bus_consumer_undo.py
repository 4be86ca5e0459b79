"""Operations on a bus consumer are taken back, but for those that leave nothing to go back to."""

from typing import Any

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
from tests.domain.undo.undoing import By, Told, said
from tests.examples import stream

START = BusStart(0, 0)
MADE = BusConsumerCreated(3, "bc_a", "Billing", (), START, 4)
RENAMED = BusConsumerRenamed("Invoices", "Billing")
NARROWED = BusConsumerTypesChanged(("insight.*",), ())


def told(*operations: Any) -> Told:
    return Told(stream(StreamKind.BUS_CONSUMER, 3), *operations)


def test_changes_go_back_field_by_field() -> None:
    story = told([MADE], [RENAMED, NARROWED])
    assert story.undo(2).facts == (
        BusConsumerRenamed("Billing", "Invoices"),
        BusConsumerTypesChanged((), ("insight.*",)),
    )
    later = BusConsumerRenamed("Books", "Invoices")
    story = told([MADE], [RENAMED, NARROWED], [later])
    assert said(story.undo(2).conflicts) == [
        ("changed", "name", None, '"Invoices"', '"Books"', [3])
    ]
    back = BusConsumerTypesChanged((), ("insight.*",))
    assert story.undo(2, only_free=True).facts == (back,)


def test_a_pause_goes_back_and_a_consumer_that_was_made_goes() -> None:
    assert told([MADE], [BusConsumerPaused()]).undo(2).facts == (BusConsumerResumed(),)
    story = told([MADE], [BusConsumerPaused()], [BusConsumerResumed()])
    assert story.undo(3).facts == (BusConsumerPaused(),)
    assert told([MADE]).undo(1).facts == (BusConsumerDeleted(),)
    assert told([MADE], By([BusConsumerPaused()])).undo(1).is_refused


@pytest.mark.parametrize(
    "fact",
    [BusConsumerMoved(BusStart(7, 9), START), BusPasswordRotated(5, 4), BusConsumerDeleted()],
)
def test_what_leaves_nothing_to_go_back_to_stays(fact: BusConsumerEvent) -> None:
    taken = told([MADE], [fact]).undo(2)
    assert (taken.facts, taken.is_refused) == ((), True)
    assert len(taken.not_undoable) == 1
