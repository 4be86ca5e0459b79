"""Commands on a bus consumer."""

import msgspec
from msgspec import UNSET, UnsetType

from contracts.events.bus_consumer import BusStart


class CreateBusConsumer(msgspec.Struct, frozen=True, kw_only=True):
    consumer_id: int
    key: str
    name: str
    types: tuple[str, ...]
    after: BusStart
    password_id: int


class EditBusConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET: not sent, leave alone. after: begin anew behind it, even where it began before."""

    name: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType = UNSET
    after: BusStart | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class RotateBusPassword(msgspec.Struct, frozen=True):
    password_id: int


class DeleteBusConsumer(msgspec.Struct, frozen=True):
    """For good."""


BusConsumerCommand = CreateBusConsumer | EditBusConsumer | RotateBusPassword | DeleteBusConsumer
