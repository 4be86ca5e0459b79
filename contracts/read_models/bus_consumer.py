"""A bus consumer, as its facts make it. No table holds it: there are few, and the log is exact."""

from datetime import datetime

import msgspec

from contracts.events.bus_consumer import BusStart


class BusConsumerRow(msgspec.Struct, frozen=True, kw_only=True):
    """key: its name on the bus. types: empty for all. after: the place behind which it begins.

    begun: the version of the fact that made it begin there. password_id: of the one that opens it.
    version: of its stream.
    """

    team_id: int
    consumer_id: int
    key: str
    name: str
    types: tuple[str, ...]
    after: BusStart
    begun: int
    password_id: int
    paused: bool = False
    deleted: bool = False
    created_at: datetime
    created_by: int | None
    updated_at: datetime
    version: int
