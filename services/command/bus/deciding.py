"""What a person decides where a standby's log and the public stream are two histories."""

from psycopg import AsyncConnection

from services.command.bus.facts_bus import FactsBus
from services.command.bus.histories import first_difference
from services.command.bus.messages import stored_message
from services.command.bus.recovering import stream_last
from services.common.log.positions import hash_at
from services.common.log.restoring import set_verified, void
from services.common.postgres.database import Pool


async def accept_as_is(pool: Pool, head: int) -> None:
    """The log goes on at `head`, where it ends. Raises LogMoved."""
    await set_verified(pool, head)


async def accept_and_void(bus: FactsBus, url: str) -> int:
    """The log goes on behind the stream's last position, and says so in a fact at each of those
    that it has not. The position of the last one. Raises LogMoved, and what AWAY names.
    """
    last, head = await stream_last(bus), await bus.store.head()
    first = await _first_that_differs(bus, head, last)
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        return await void(conn, head, first, max(last, head))


async def _first_that_differs(bus: FactsBus, head: int, last: int) -> int:
    common = min(head, last)
    message = await stored_message(bus.client, bus.name, common) if common else None
    entry = await hash_at(bus.pool, common) if common else None
    if message is None or entry is None or message.hash == entry.hash.hex():
        return common + 1
    info = await bus.client.jetstream().stream_info(bus.name)
    return await first_difference(bus, max(info.state.first_seq, 1), common)
