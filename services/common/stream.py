"""The bus: streams, and publishing several messages as one.

`prefix` comes before stream names and subjects, so that tests share a server.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from prometheus_client import Counter, Histogram

from contracts import subjects
from contracts.product_events import NOTHING_CAPTURED
from contracts.subjects import FACTS_STREAM, FACTS_SUBJECTS
from services.common.bus import RECONNECT_SECONDS, BusNodes, NodesClient
from services.common.logs import logger

log = logger("recount.stream")

LOST = Counter("recount_capture_lost_messages", "Messages that the capture stream has lost.")
PUBLISH_SECONDS = Histogram(
    "recount_bus_publish_seconds",
    "Until a stream has what is published to it, durably: one message, or several as one.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# The server takes no larger atomic batch.
MAX_BATCH = 1000
TIMEOUT_SECONDS = 10.0
# For so long, messages that nobody took are published again.
ELECTION_SECONDS = 8.0
AGAIN_SECONDS = 0.1

# What the messages of facts are: 2, CloudEvents. With another one they are published again.
FACTS_FORMAT = "2"
FORMAT_KEY = "recount_format"

SECONDS_OF_A_DAY = 86_400

# JetStream's error for an Expected-Last-Sequence that does not hold.
ELSEWHERE = frozenset({10071, 10164})

BATCH_ID = "Nats-Batch-Id"
BATCH_SEQUENCE = "Nats-Batch-Sequence"
BATCH_COMMIT = "Nats-Batch-Commit"
_EXPECTED_LAST = "Nats-Expected-Last-Sequence"


class StreamUnavailable(Exception):
    """The bus did not say that it has the messages; they may or may not be there."""


class NothingTaken(StreamUnavailable):
    """Nobody was there to take the messages: a cluster is electing, or the connection is new."""


class PublishRefused(Exception):
    """The stream took none of the messages. code: JetStream's error code."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class Outage:
    """Whether a stream takes what is published; told to the log when that changes.

    what: the stream, in words. reason: why not; None while it does, or before the first time.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.reason: str | None = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Around a publication. That another one was faster says nothing about the stream."""
        try:
            yield
        except StreamUnavailable as cause:
            self._failed(str(cause))
            raise
        except PublishRefused as cause:
            if cause.code in ELSEWHERE:
                self._worked()
            else:
                self._failed(str(cause))
            raise
        self._worked()

    def _failed(self, reason: str) -> None:
        if self.reason is None:
            log.error("stream_refuses", stream=self._what, cause=reason)
        self.reason = reason

    def _worked(self) -> None:
        if self.reason is not None:
            log.warning("stream_takes_again", stream=self._what)
        self.reason = None


class OutgoingMessage(msgspec.Struct, frozen=True):
    """A message to publish."""

    subject: str
    payload: bytes
    headers: Mapping[str, str] = {}


async def connect_now(url: str, name: str) -> Client:
    """A connection for a command: it waits for nobody long. Raises StreamUnavailable."""
    nodes = BusNodes.of(url)
    client = NodesClient()
    options: dict[str, Any] = {
        "name": name,
        "max_reconnect_attempts": 2,
        "reconnect_time_wait": RECONNECT_SECONDS,
    }
    try:
        await client.connect(list(nodes.nodes), **options, **nodes.options())
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    return client


def capture_stream(prefix: str = "", bucket: int = 0) -> str:
    """The name of a bucket's stream of captured product events."""
    return f"{prefix}{subjects.capture_stream(bucket)}"


async def ensure_capture_stream(
    client: Client, prefix: str = "", replicas: int = 1, first_sequence: int = 1, bucket: int = 0
) -> str:
    """Make a bucket's stream of captured product events; its name.

    first_sequence: of a stream that is made now. One that takes the place of a lost stream must go
    on where that ended, or its messages would be taken for ones that were stored long ago.
    """
    name = capture_stream(prefix, bucket)
    within = f"{prefix}{subjects.capture_subjects(bucket)}"
    await _ensure(client, name, within, replicas, first_sequence)
    return name


async def whole_capture_stream(
    client: Client, known: int, prefix: str = "", replicas: int = 1, bucket: int = 0
) -> int:
    """Make the stream, or see that it has not lost its end; its last sequence, `known` at least.

    known: the last sequence that anybody remembers. Before a stream takes events, or is read.
    Raises StreamUnavailable.
    """
    name = await ensure_capture_stream(client, prefix, replicas, known + 1, bucket)
    subject = f"{prefix}{subjects.capture_subject(0, bucket)}"
    lost = await fill_up(client, name, subject, NOTHING_CAPTURED, known)
    if lost:
        LOST.inc(lost)
        log.critical("stream_end_lost", stream=name, lost=lost, end=known)
    try:
        return max(int((await client.jetstream().stream_info(name)).state.last_seq), known)
    except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause


class Keep(msgspec.Struct, frozen=True):
    """How much of the log the public stream holds: the newest days, the newest bytes; 0: all."""

    days: int = 0
    bytes: int = 0


KEEP_ALL = Keep()


class FactsOptions(msgspec.Struct, frozen=True):
    """How much the public stream keeps; how many of its messages a second are compared with the
    log, 0: none.
    """

    keep: Keep = KEEP_ALL
    sweep_per_second: int = 500


FACTS_DEFAULTS = FactsOptions()


async def ensure_facts_stream(
    client: Client,
    prefix: str = "",
    replicas: int = 1,
    keep: Keep = KEEP_ALL,
    first_sequence: int = 1,
) -> str:
    """Make the stream of facts; its name. One that is there stays as it is."""
    name = f"{prefix}{FACTS_STREAM}"
    within = f"{prefix}{FACTS_SUBJECTS}"
    await _ensure(client, name, within, replicas, first_sequence, keep, {FORMAT_KEY: FACTS_FORMAT})
    return name


async def limit_facts_stream(client: Client, name: str, keep: Keep) -> bool:
    """Have the stream keep so much from now on; whether it kept something else until now.

    Raises StreamUnavailable.
    """
    config = (await ask_jetstream(client, f"STREAM.INFO.{name}", {}))["config"]
    age = keep.days * SECONDS_OF_A_DAY * 1_000_000_000
    wanted = {"max_age": age, "max_bytes": keep.bytes or -1}
    if all(config.get(limit) == value for limit, value in wanted.items()):
        return False
    await ask_jetstream(client, f"STREAM.UPDATE.{name}", {**config, **wanted})
    return True


async def first_fact_kept(client: Client, prefix: str = "") -> int:
    """The position of the first fact that is on the public stream: what came before is gone from
    there, and in the log alone. The one after the last where none is kept.

    Raises StreamUnavailable.
    """
    info = await ask_jetstream(client, f"STREAM.INFO.{prefix}{FACTS_STREAM}", {})
    # An empty stream tells 0 until its first message.
    return max(int(info["state"]["first_seq"]), 1)


async def ask_jetstream(
    client: Client, what: str, body: Mapping[str, Any], fine: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """The answer of JetStream's API as it is: with members that the client's library has no name
    for. fine: errors that are none.

    Raises StreamUnavailable.
    """
    try:
        message = await client.request(
            f"$JS.API.{what}", json.dumps(body).encode(), timeout=TIMEOUT_SECONDS
        )
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    answer: dict[str, Any] = msgspec.json.decode(message.data)
    error = answer.get("error")
    if error is not None and error.get("err_code") not in fine:
        raise StreamUnavailable(f"{what}: {error.get('description')}")
    return answer


async def _ensure(
    client: Client,
    name: str,
    within: str,
    replicas: int,
    first_sequence: int = 1,
    keep: Keep = KEEP_ALL,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Make the stream, or leave it as it is, but for replicas that it lacks. Raises
    StreamUnavailable.

    Kept in files, without limits unless `keep` says so: nothing is ever lost because something
    else came.
    """
    stream: JetStreamContext = client.jetstream()
    config = StreamConfig(
        name=name,
        subjects=[within],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        num_replicas=replicas,
        first_seq=first_sequence if first_sequence > 1 else None,
        max_age=keep.days * SECONDS_OF_A_DAY or None,
        max_bytes=keep.bytes or -1,
        allow_direct=True,
        allow_atomic=True,
        metadata=None if metadata is None else dict(metadata),
    )
    try:
        try:
            known = (await stream.stream_info(name)).config
        except js_errors.NotFoundError:
            await stream.add_stream(config)
            return
    except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    if (known.num_replicas or 1) < replicas:
        await _replicate(client, name, replicas)


async def _replicate(client: Client, name: str, replicas: int) -> None:
    """Never to fewer: who made it so by hand meant it."""
    config = (await ask_jetstream(client, f"STREAM.INFO.{name}", {}))["config"]
    await ask_jetstream(client, f"STREAM.UPDATE.{name}", {**config, "num_replicas": replicas})


async def fill_up(client: Client, name: str, subject: str, filler: bytes, wanted: int) -> int:
    """Publish fillers until the stream's last sequence is `wanted`; how many it took.

    A stream that lost its end would give its sequences a second time, and a subscriber that
    remembers them would take new messages for ones that it had. Raises StreamUnavailable.
    """
    filled = 0
    try:
        while (last := (await client.jetstream().stream_info(name)).state.last_seq) < wanted:
            count = min(wanted - last, MAX_BATCH)
            expected = {_EXPECTED_LAST: str(last)}
            fillers = [
                OutgoingMessage(subject, filler, expected if n == 0 else {}) for n in range(count)
            ]
            with contextlib.suppress(PublishRefused):  # something came meanwhile: look again
                await publish_whole(client, fillers)
                filled += count
    except (nats.errors.Error, js_errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    return filled


async def publish_whole(
    client: Client, messages: Sequence[OutgoingMessage], timeout_seconds: float = TIMEOUT_SECONDS
) -> int:
    """Publish all of them or none, durably; the stream sequence of the last one.

    At most MAX_BATCH messages for one stream, each within the server's max_payload. They get
    consecutive sequences. Raises PublishRefused (nothing was taken) and StreamUnavailable.
    """
    if not 1 <= len(messages) <= MAX_BATCH:
        raise ValueError(f"1 to {MAX_BATCH} messages, not {len(messages)}")
    if not client.is_connected:
        # The client would keep them until it is connected again; no caller can wait for that.
        raise NothingTaken("not connected")
    began = time.monotonic()
    *before, last = messages
    headers = dict(last.headers)
    try:
        if before:
            # Only the last one is answered: an earlier one that is refused makes the commit fail.
            batch = uuid4().hex
            for sequence, message in enumerate(before, 1):
                numbered = {BATCH_ID: batch, BATCH_SEQUENCE: str(sequence)}
                await client.publish(
                    message.subject, message.payload, headers={**message.headers, **numbered}
                )
            headers |= {BATCH_ID: batch, BATCH_SEQUENCE: str(len(messages)), BATCH_COMMIT: "1"}
        answer = await client.request(
            last.subject, last.payload, timeout=timeout_seconds, headers=headers or None
        )
    except nats.errors.NoRespondersError as cause:
        raise NothingTaken(str(cause) or "no stream answers") from cause
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    PUBLISH_SECONDS.observe(time.monotonic() - began)
    return _sequence(answer.data)


async def publish_patiently(
    client: Client, messages: Sequence[OutgoingMessage], timeout_seconds: float = TIMEOUT_SECONDS
) -> int:
    """As publish_whole, and again for a while where nothing was taken: a cluster's next leader
    takes a few seconds.
    """
    give_up = time.monotonic() + min(timeout_seconds, ELECTION_SECONDS)
    while True:
        try:
            return await publish_whole(client, messages, timeout_seconds)
        except NothingTaken:
            if time.monotonic() >= give_up:
                raise
        await asyncio.sleep(AGAIN_SECONDS)


def _sequence(answer: bytes) -> int:
    acknowledged = json.loads(answer)
    error = acknowledged.get("error")
    if error is not None:
        raise PublishRefused(error.get("err_code", 0), error.get("description", ""))
    return int(acknowledged["seq"])
