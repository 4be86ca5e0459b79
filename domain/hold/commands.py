"""Commands on a legal hold."""

import msgspec


class PlaceHold(msgspec.Struct, frozen=True, kw_only=True):
    """users, insights: numbers; none of both: the whole project."""

    hold_id: int
    reason: str
    users: tuple[int, ...]
    insights: tuple[int, ...]


class LiftHold(msgspec.Struct, frozen=True):
    """For good: another one has to be placed."""


HoldCommand = PlaceHold | LiftHold
