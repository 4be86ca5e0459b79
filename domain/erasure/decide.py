"""Decides a command on an erasure: its facts, or a refusal.

What is erased in the log is told beside the erasing itself (services/common/log/erasing.py).
"""

from typing import assert_never

from contracts.events.audit import ErasureCompleted, ErasureEvent, ErasureRequested
from contracts.read_models.erasure import ErasureRow
from domain.erasure.commands import CompleteErasure, ErasureCommand, RequestErasure
from domain.errors import AlreadyExists, NotFound


def decide(command: ErasureCommand, erasure: ErasureRow | None) -> list[ErasureEvent]:
    """Facts that follow; none when it has come so far before. erasure: None when there is none.

    Raises AlreadyExists on a second request, NotFound when there was none; and for physical before
    logical.
    """
    match command:
        case RequestErasure():
            if erasure is not None:
                raise AlreadyExists
            return [ErasureRequested(command.erasure_id, command.reason)]
        case CompleteErasure(state=state):
            if erasure is None or (state == "physical" and not erasure.has_reached("logical")):
                raise NotFound
            if erasure.has_reached(state):
                return []
            return [ErasureCompleted(erasure.erasure_id, state, dict(command.counts))]
        case _:
            assert_never(command)
