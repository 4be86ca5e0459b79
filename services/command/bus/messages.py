"""Messages of the public stream by the hundred, straight from its files."""

import asyncio
import json

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from contracts.subjects import HASH_HEADER
from services.common.stream import TIMEOUT_SECONDS, StreamUnavailable

# Messages of a megabyte each must not fill the memory.
MOST_BYTES = 8 * 1024 * 1024

_SEQUENCE = "Nats-Sequence"
_LAST_SEQUENCE = "Nats-Last-Sequence"
_NOT_FOUND = "404"
_END = "204"


class StoredMessage(msgspec.Struct, frozen=True):
    """A message of the stream. hash: its header, in hex; None: it has none."""

    sequence: int
    hash: str | None
    data: bytes


async def stored_messages(client: Client, name: str, first: int, last: int) -> list[StoredMessage]:
    """Those that are there from `first` to `last`, in order; what is missing is left out.

    Any server that has the stream answers, and one may be behind: `stored_message` asks the one
    that leads. Raises StreamUnavailable.
    """
    found: list[StoredMessage] = []
    while first <= last:
        batch, reached = await _batch(client, name, first, last - first + 1)
        found += (message for message in batch if message.sequence <= last)
        if reached is None or reached < first:
            break
        first = reached + 1
    return found


async def stored_message(client: Client, name: str, sequence: int) -> StoredMessage | None:
    """One of them, as the server that leads has it; None: it has none at this place."""
    try:
        message = await client.jetstream().get_msg(name, sequence)
    except NotFoundError:
        return None
    return StoredMessage(sequence, (message.headers or {}).get(HASH_HEADER), message.data or b"")


async def _batch(
    client: Client, name: str, first: int, count: int
) -> tuple[list[StoredMessage], int | None]:
    """The next ones from `first` on, and the last one's sequence; None: there are no more."""
    answers: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=answers.put)
    try:
        asked = {"seq": first, "batch": count, "max_bytes": MOST_BYTES}
        await client.publish(f"$JS.API.DIRECT.GET.{name}", json.dumps(asked).encode(), reply=inbox)
        found: list[StoredMessage] = []
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                message = await answers.get()
                headers = message.headers or {}
                if (sequence := headers.get(_SEQUENCE)) is None:
                    return found, _end(headers, name)
                found.append(StoredMessage(int(sequence), headers.get(HASH_HEADER), message.data))
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    finally:
        if not client.is_closed:
            await subscription.unsubscribe()


def _end(headers: dict[str, str], name: str) -> int | None:
    """What the message that ends a batch says: where it ended."""
    status = headers.get("Status")
    if status == _NOT_FOUND:
        return None
    if status == _END and headers.get("Nats-Num-Pending") != "0":
        return int(headers[_LAST_SEQUENCE])
    if status == _END:
        return None
    raise StreamUnavailable(f"{name} gives no messages: {status}")
