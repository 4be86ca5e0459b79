"""Erasures and legal holds, as their facts tell them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from contracts.events.audit import ErasureState


class ErasedPayload(msgspec.Struct, frozen=True):
    """An entry whose payload was erased. type: its stored name. commitment: hexadecimal.

    fields: those that lost their value.
    """

    sequence: int
    type: str
    commitment: str
    fields: tuple[str, ...]


class ReachedState(msgspec.Struct, frozen=True):
    """counts: how much went, by place."""

    state: ErasureState
    at: datetime
    counts: Mapping[str, int]


class ErasureRow(msgspec.Struct, frozen=True, kw_only=True):
    """requested_by: None for the system, as from the command line."""

    team_id: int
    erasure_id: int
    reason: str
    requested_by: int | None
    requested_at: datetime
    entries: tuple[ErasedPayload, ...] = ()
    reads: tuple[tuple[int, int], ...] = ()
    states: tuple[ReachedState, ...] = ()
    version: int

    def has_reached(self, state: ErasureState) -> bool:
        return any(each.state == state for each in self.states)


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """users, insights: numbers; none of both: the whole project. lifted_at: None while it holds."""

    team_id: int
    hold_id: int
    reason: str
    users: tuple[int, ...]
    insights: tuple[int, ...]
    placed_by: int | None
    placed_at: datetime
    lifted_at: datetime | None = None
    version: int

    @property
    def whole_project(self) -> bool:
        return not self.users and not self.insights
