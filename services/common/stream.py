"""The bus: connection, streams, and publishing several messages as one.

`prefix` stands before stream names and subjects, so that tests share a server.
"""

import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

import msgspec
import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.api import RetentionPolicy, StorageType, StreamConfig

from contracts.subjects import CAPTURE_STREAM, CAPTURE_SUBJECTS, FACTS_STREAM, FACTS_SUBJECTS

# The server takes no larger atomic batch.
MAX_BATCH = 1000
TIMEOUT_SECONDS = 10.0

BATCH_ID = "Nats-Batch-Id"
BATCH_SEQUENCE = "Nats-Batch-Sequence"
BATCH_COMMIT = "Nats-Batch-Commit"


class StreamUnavailable(Exception):
    """The bus did not say that it has the messages; they may or may not be there."""


class PublishRefused(Exception):
    """The stream took none of the messages. code: JetStream's error code."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class Outgoing(msgspec.Struct, frozen=True):
    """A message to publish."""

    subject: str
    payload: bytes
    headers: Mapping[str, str] = {}


async def connect(url: str, name: str) -> Client:
    """A connection that reconnects for ever. name: shown in the server's monitoring."""
    return await nats.connect(url, name=name, max_reconnect_attempts=-1, reconnect_time_wait=0.2)


def capture_stream(prefix: str = "") -> str:
    """The name of the stream of captured product events."""
    return f"{prefix}{CAPTURE_STREAM}"


async def ensure_capture_stream(
    client: Client, prefix: str = "", replicas: int = 1, first_sequence: int = 1
) -> str:
    """Make the stream of captured product events; its name.

    first_sequence: of a stream that is made now. One that takes the place of a lost stream must go
    on where that ended, or its messages would be taken for ones that were stored long ago.
    """
    name = capture_stream(prefix)
    await _ensure(client, name, f"{prefix}{CAPTURE_SUBJECTS}", replicas, first_sequence)
    return name


async def ensure_facts_stream(client: Client, prefix: str = "", replicas: int = 1) -> str:
    """Make the stream of domain events; its name."""
    name = f"{prefix}{FACTS_STREAM}"
    await _ensure(client, name, f"{prefix}{FACTS_SUBJECTS}", replicas)
    return name


async def _ensure(
    client: Client, name: str, subjects: str, replicas: int, first_sequence: int = 1
) -> None:
    """Make the stream, or leave it as it is. Raises StreamUnavailable.

    Kept in files, without limits: nothing is ever lost because something else came.
    """
    stream: JetStreamContext = client.jetstream()
    config = StreamConfig(
        name=name,
        subjects=[subjects],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        num_replicas=replicas,
        first_seq=first_sequence if first_sequence > 1 else None,
        allow_direct=True,
        allow_atomic=True,
    )
    try:
        try:
            await stream.stream_info(name)
        except js_errors.NotFoundError:
            await stream.add_stream(config)
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause


async def publish_whole(
    client: Client, messages: Sequence[Outgoing], timeout_seconds: float = TIMEOUT_SECONDS
) -> int:
    """Publish all of them or none, durably; the stream sequence of the last one.

    At most MAX_BATCH messages for one stream, each within the server's max_payload. They get
    consecutive sequences. Raises PublishRefused (nothing was taken) and StreamUnavailable.
    """
    if not 1 <= len(messages) <= MAX_BATCH:
        raise ValueError(f"1 to {MAX_BATCH} messages, not {len(messages)}")
    if not client.is_connected:
        # The client would keep them until it is connected again; nobody can wait for that.
        raise StreamUnavailable("not connected")
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
    except (nats.errors.Error, TimeoutError, OSError) as cause:
        raise StreamUnavailable(str(cause) or type(cause).__name__) from cause
    return _sequence(answer.data)


def _sequence(answer: bytes) -> int:
    acknowledged = json.loads(answer)
    error = acknowledged.get("error")
    if error is not None:
        raise PublishRefused(error.get("err_code", 0), error.get("description", ""))
    return int(acknowledged["seq"])
