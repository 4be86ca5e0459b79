"""Commands on an erasure."""

from collections.abc import Mapping

import msgspec

from contracts.events.audit import ErasureState


class RequestErasure(msgspec.Struct, frozen=True):
    """What is to go is no part of it: that never enters the log."""

    erasure_id: int
    reason: str


class CompleteErasure(msgspec.Struct, frozen=True):
    """counts: how much went, by place."""

    state: ErasureState
    counts: Mapping[str, int]


ErasureCommand = RequestErasure | CompleteErasure
