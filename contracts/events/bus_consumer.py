"""Facts of bus consumers, by which subscribers take facts from the bus. Passwords are named by
their ids.
"""

import msgspec

from contracts.events.fact import Fact


class BusStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place behind which a consumer begins.

    sequence: in the project's chain. position: of that entry in the log, and so on the bus.
    """

    sequence: int
    position: int


class BusConsumerCreated(Fact, frozen=True, tag="bus_consumer.created.v1"):
    """key: its name on the bus, and its user's. types: as they were sent; empty: all."""

    consumer_id: int
    key: str
    name: str
    types: tuple[str, ...]
    after: BusStart
    password_id: int


class BusConsumerRenamed(Fact, frozen=True, tag="bus_consumer.renamed.v1"):
    name: str
    previous: str


class BusConsumerTypesChanged(Fact, frozen=True, tag="bus_consumer.types_changed.v1"):
    types: tuple[str, ...]
    previous: tuple[str, ...]


class BusConsumerMoved(Fact, frozen=True, tag="bus_consumer.moved.v1"):
    """It begins anew behind another place, whatever was acknowledged. previous: where it began
    before.
    """

    after: BusStart
    previous: BusStart


class BusConsumerPaused(Fact, frozen=True, tag="bus_consumer.paused.v1"):
    """It gets nothing until it is resumed."""


class BusConsumerResumed(Fact, frozen=True, tag="bus_consumer.resumed.v1"):
    """It goes on where it was."""


class BusPasswordRotated(Fact, frozen=True, tag="bus_consumer.password_rotated.v1"):
    """The previous password is dead at once."""

    password_id: int
    previous_password_id: int


class BusConsumerDeleted(Fact, frozen=True, tag="bus_consumer.deleted.v1"):
    """For good: its place on the bus is forgotten."""


BusConsumerEvent = (
    BusConsumerCreated
    | BusConsumerRenamed
    | BusConsumerTypesChanged
    | BusConsumerMoved
    | BusConsumerPaused
    | BusConsumerResumed
    | BusPasswordRotated
    | BusConsumerDeleted
)
