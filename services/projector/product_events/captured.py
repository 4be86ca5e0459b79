"""The capture stream, read in order from any sequence, without acknowledging anything."""

import asyncio
import json

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import errors as js_errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from services.common.stream import StreamUnavailable, ask_jetstream

MAX_MESSAGES = 1000
# More than the largest message; few enough events that storing them keeps nobody waiting.
MAX_BYTES = 3 * 512 * 1024
_WAIT_SECONDS = 5.0
_FORGOTTEN_AFTER_SECONDS = 60.0


class StreamMessage(msgspec.Struct, frozen=True):
    """A message with its place in the stream. taken_at: when the stream took it, as time.time()."""

    sequence: int
    team_id: int
    payload: bytes
    taken_at: float = 0.0


class CapturedStream:
    """A reader that moves forward. When disturbed it raises StreamUnavailable: open another.

    behind: messages that lay behind the last one read, when that was sent.
    """

    def __init__(
        self, bus: Client, next_subject: str, inbox: Subscription, arrived: "asyncio.Queue[Msg]"
    ) -> None:
        self._bus = bus
        self._next_subject = next_subject
        self._inbox = inbox
        self._arrived = arrived
        self._delivered = 0
        self.behind = 0

    @classmethod
    async def open(cls, bus: Client, name: str, first: int) -> "CapturedStream":
        """name: the stream. first: the lowest sequence that is read."""
        try:
            info = await bus.jetstream().add_consumer(
                name,
                ConsumerConfig(
                    deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=max(first, 1),
                    ack_policy=AckPolicy.NONE,
                    inactive_threshold=_FORGOTTEN_AFTER_SECONDS,
                    mem_storage=True,
                    num_replicas=1,
                ),
            )
            # A queue of our own: a wait in the client's next_msg can swallow a cancellation.
            arrived: asyncio.Queue[Msg] = asyncio.Queue()
            inbox = await bus.subscribe(bus.new_inbox(), cb=arrived.put)
        except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as cause:
            raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
        return cls(bus, f"$JS.API.CONSUMER.MSG.NEXT.{name}.{info.name}", inbox, arrived)

    async def close(self) -> None:
        if not self._bus.is_closed:
            await self._inbox.unsubscribe()

    async def waiting(self, limit: int = MAX_MESSAGES) -> list[StreamMessage]:
        """The messages that are there now, at most `limit` and MAX_BYTES of them; may be empty."""
        return await self._pull({"batch": limit, "max_bytes": MAX_BYTES, "no_wait": True}, limit)

    async def next(self) -> list[StreamMessage]:
        """The messages that are there now; if there is none, waits a few seconds. May be empty."""
        found = await self.waiting()
        if found:
            return found
        expires = int(_WAIT_SECONDS * 1_000_000_000)
        return await self._pull({"batch": 1, "expires": expires}, 1)

    async def _pull(self, request: dict[str, object], limit: int) -> list[StreamMessage]:
        found: list[StreamMessage] = []
        try:
            await self._bus.publish(
                self._next_subject, json.dumps(request).encode(), reply=self._inbox.subject
            )
            while len(found) < limit:
                async with asyncio.timeout(_WAIT_SECONDS * 2):
                    message = await self._arrived.get()
                if message.headers and "Status" in message.headers and not message.data:
                    if message.headers["Status"] in _NOTHING_MORE:
                        break
                    raise StreamUnavailable(f"status {dict(message.headers)}")
                found.append(self._in_order(message.reply, message.subject, message.data))
        except (nats.errors.Error, TimeoutError, OSError) as cause:
            raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
        return found

    def _in_order(self, reply: str, subject: str, payload: bytes) -> StreamMessage:
        # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.…
        # In the longer form a domain and an account come before the stream.
        parts = reply.split(".")
        at = 5 if len(parts) == 9 else 7
        sequence, delivered, taken, behind = (int(each) for each in parts[at : at + 4])
        if delivered != self._delivered + 1:
            # The server sent one that never came: a connection was lost in between.
            raise StreamUnavailable(f"delivery {delivered} came after {self._delivered}")
        self._delivered = delivered
        self.behind = behind
        team_id = int(subject.rpartition(".")[2])
        return StreamMessage(sequence, team_id, payload, taken / 1_000_000_000)


# No messages; request timed out; batch completed, or the next message exceeds max_bytes.
_NOTHING_MORE = frozenset({"404", "408", "409"})


_NO_STREAM = frozenset({10059})


async def has_all(bus: Client, name: str, first: int, last: int) -> bool:
    """Whether the stream has the message of every sequence from `first` to `last`.

    Raises StreamUnavailable.
    """
    asked = {"deleted_details": True}
    info = await ask_jetstream(bus, f"STREAM.INFO.{name}", asked, fine=_NO_STREAM)
    if "error" in info:
        return False
    state = info["state"]
    gone = state.get("deleted") or ()
    within = state["first_seq"] <= first and last <= state["last_seq"]
    return within and not any(first <= sequence <= last for sequence in gone)


async def forget(bus: Client, name: str, up_to: int) -> None:
    """Drop the messages up to this sequence. Raises StreamUnavailable."""
    if up_to < 1:
        return
    try:
        await bus.jetstream().purge_stream(name, seq=up_to + 1)
    except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
