"""Decides a command on a legal hold: its facts, or a refusal."""

from typing import assert_never

from contracts.events.audit import HoldEvent, HoldLifted, HoldPlaced
from contracts.read_models.erasure import HoldRow
from domain.errors import AlreadyExists, NotFound
from domain.hold.commands import HoldCommand, LiftHold, PlaceHold


def decide(command: HoldCommand, hold: HoldRow | None) -> list[HoldEvent]:
    """Facts that follow. hold: None when there is none.

    Raises AlreadyExists on a second placing, NotFound when it was never placed or is lifted.
    """
    match command:
        case PlaceHold(hold_id=hold_id, reason=reason, users=users, insights=insights):
            if hold is not None:
                raise AlreadyExists
            return [HoldPlaced(hold_id, reason, users, insights)]
        case LiftHold():
            if hold is None or hold.lifted_at is not None:
                raise NotFound
            return [HoldLifted(hold.hold_id)]
        case _:
            assert_never(command)
