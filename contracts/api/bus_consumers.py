"""Bus consumers on the wire: what a client sends, and the bodies it gets."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.insights import UserBody
from contracts.api.text import TRIMMED
from contracts.api.times import Time

ConsumerName = Annotated[str, Meta(min_length=1, max_length=200, extra=TRIMMED)]
Cursor = Annotated[str, Meta(min_length=1, max_length=60)]

LockedOut = Literal["key_revoked", "not_administrator"]


class CreateBusConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST. after: the cursor behind which it begins. types: as everywhere; none: all."""

    name: ConsumerName
    after: Cursor = "0"
    types: tuple[str, ...] = ()


class WriteBusConsumer(msgspec.Struct, frozen=True, kw_only=True):
    """Body of PATCH. UNSET: not sent. after: to begin anew behind it."""

    name: ConsumerName | UnsetType = UNSET
    after: Cursor | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


class BusConsumerBody(msgspec.Struct, frozen=True, kw_only=True):
    """A bus consumer as every answer carries it.

    url, user: to connect with, and inbox_prefix; stream, consumer: to bind to.
    password: in the answer that made it, and in no other.
    acknowledged: the cursor up to which all is acknowledged; pending: how many facts are not;
    connected: how many connections the user has. Null, while the bus does not answer.
    locked_out: why the password opens nothing, though the consumer is there; rotating it helps.
    """

    id: str
    name: str
    url: str
    user: str
    password: str | UnsetType | None = UNSET
    stream: str
    consumer: str
    inbox_prefix: str
    after: str
    acknowledged: str | None
    pending: int | None
    connected: int | None
    types: tuple[str, ...]
    paused: bool
    locked_out: LockedOut | None
    created_at: Time
    created_by: UserBody | None
    updated_at: Time
    version: int


class BusConsumerList(msgspec.Struct, frozen=True, kw_only=True):
    """GET bus_consumers/: all there are."""

    results: tuple[BusConsumerBody, ...]
    next: None = None
