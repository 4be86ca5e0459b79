"""The actor that an event counts for."""

import msgspec


class PersonActor(msgspec.Struct, frozen=True, tag=True):
    """The person, merges applied at query time."""


class GroupActor(msgspec.Struct, frozen=True, tag=True):
    """The event's group key; events without one do not count."""

    index: int


class ExpressionActor(msgspec.Struct, frozen=True, tag=True):
    """The value of an expression of the closed subset; null and "" do not count."""

    text: str


AnyActor = PersonActor | GroupActor | ExpressionActor
