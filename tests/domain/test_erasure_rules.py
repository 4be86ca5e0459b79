"""What follows from a command on an erasure, or on a legal hold; what a hold covers."""

import pytest

from contracts.events.audit import (
    AuditEvent,
    ErasureCompleted,
    ErasureEvent,
    ErasureRequested,
    HoldEvent,
    HoldLifted,
    HoldPlaced,
    erased_entry,
    erased_reads,
)
from contracts.events.streams import StreamKind
from contracts.read_models.erasure import HoldRow
from domain.erasure.commands import CompleteErasure, ErasureCommand, RequestErasure
from domain.erasure.decide import decide
from domain.erasure.view import view
from domain.errors import AlreadyExists, NotFound
from domain.hold.commands import HoldCommand, LiftHold, PlaceHold
from domain.hold.decide import decide as decide_hold
from domain.hold.view import covering
from domain.hold.view import view as hold_view
from tests.domain.story import Past
from tests.examples import ALICE, recorded, stream

ASKED = ErasureRequested(3, "She asked.")
LOGICAL = ErasureCompleted(3, "logical", {"log": 2})
PHYSICAL = ErasureCompleted(3, "physical", {})
ENTRY = erased_entry(3, 510, "insight.renamed.v1", bytes(32), ("name",))
HELD = HoldPlaced(4, "A lawsuit", (7,), (1, 2))


def past(*events: ErasureEvent) -> Past[ErasureCommand, ErasureEvent]:
    erasure = view(recorded(events, of=stream(StreamKind.ERASURE, 3)))
    return Past(lambda command: decide(command, erasure))


def holding(*events: HoldEvent) -> Past[HoldCommand, HoldEvent]:
    return Past(lambda command: decide_hold(command, hold(*events)))


def hold(*events: HoldEvent) -> HoldRow | None:
    return hold_view(recorded(events, of=stream(StreamKind.HOLD, 4)))


def test_an_erasure_is_asked_for_once() -> None:
    past().when(RequestErasure(3, "She asked.")).then(ASKED)
    past(ASKED).when(RequestErasure(3, "She asked.")).then_refused(AlreadyExists)


def test_it_reaches_each_state_once_and_in_order() -> None:
    past().when(CompleteErasure("logical", {})).then_refused(NotFound)
    past(ASKED).when(CompleteErasure("physical", {})).then_refused(NotFound)
    past(ASKED, ENTRY).when(CompleteErasure("logical", {"log": 2})).then(LOGICAL)
    past(ASKED, LOGICAL).when(CompleteErasure("logical", {"log": 9})).then_nothing()
    past(ASKED, LOGICAL).when(CompleteErasure("physical", {})).then(PHYSICAL)
    past(ASKED, LOGICAL, PHYSICAL).when(CompleteErasure("physical", {})).then_nothing()


def test_its_row_tells_what_went_and_how_far_it_is() -> None:
    told: list[AuditEvent] = [ASKED, ENTRY, erased_reads(3, ((1, 4), (9, 9))), LOGICAL]
    row = view(recorded(told, of=stream(StreamKind.ERASURE, 3)))
    assert row is not None
    assert (row.erasure_id, row.reason, row.requested_by) == (3, "She asked.", ALICE.user_id)
    assert [(each.sequence, each.type, each.fields) for each in row.entries] == [
        (510, "insight.renamed.v1", ("name",))
    ]
    assert row.reads == ((1, 4), (9, 9))
    assert [(each.state, each.counts) for each in row.states] == [("logical", {"log": 2})]
    assert row.version == 4


def test_a_hold_is_placed_and_lifted_once() -> None:
    place = PlaceHold(hold_id=4, reason="A lawsuit", users=(7,), insights=(1, 2))
    holding().when(place).then(HELD)
    holding(HELD).when(place).then_refused(AlreadyExists)
    holding().when(LiftHold()).then_refused(NotFound)
    holding(HELD).when(LiftHold()).then(HoldLifted(4))
    holding(HELD, HoldLifted(4)).when(LiftHold()).then_refused(NotFound)


@pytest.mark.parametrize(
    ("events", "users", "insights", "covers"),
    [
        ((HELD,), {7}, set(), True),
        ((HELD,), set(), {2, 9}, True),
        ((HELD,), {8}, {3}, False),
        ((HELD,), set(), set(), False),
        ((HELD, HoldLifted(4)), {7}, {1}, False),
        ((HoldPlaced(4, "All", (), ()),), set(), set(), True),
        ((HoldPlaced(4, "All", (), ()), HoldLifted(4)), {7}, {1}, False),
    ],
)
def test_a_hold_covers_whom_and_what_it_names_or_everything(
    events: tuple[HoldEvent, ...], users: set[int], insights: set[int], covers: bool
) -> None:
    row = hold(*events)
    assert row is not None
    assert covering([row], users, insights) == (row if covers else None)
