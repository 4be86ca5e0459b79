"""Publishing on a real nats-server: all messages of a call, or none."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from services.common import stream
from services.common.bus import connect_bus
from services.common.stream import OutgoingMessage, PublishRefused, StreamUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    connected = await connect_bus(nats_url, "test")
    yield connected
    await connected.close()


async def test_messages_get_consecutive_sequences(client: Client, stream_prefix: str) -> None:
    name = await stream.ensure_capture_stream(client, stream_prefix)
    subject = f"{stream_prefix}capture.1"
    assert await stream.publish_whole(client, [OutgoingMessage(subject, b"one")]) == 1
    three = [OutgoingMessage(subject, text, {"Kind": "x"}) for text in (b"two", b"three", b"four")]
    assert await stream.publish_whole(client, three) == 4
    stored = await client.jetstream().get_msg(name, 3)
    assert stored.data == b"three"
    assert (stored.headers or {})["Kind"] == "x"


async def test_one_refused_message_refuses_them_all(client: Client, stream_prefix: str) -> None:
    name = await stream.ensure_facts_stream(client, stream_prefix)
    subject = f"{stream_prefix}insights.1"
    expecting = {"Nats-Expected-Last-Sequence": "7"}
    with pytest.raises(PublishRefused):
        await stream.publish_whole(
            client, [OutgoingMessage(subject, b"one", expecting), OutgoingMessage(subject, b"two")]
        )
    assert (await client.jetstream().stream_info(name)).state.messages == 0


async def test_making_a_stream_twice_keeps_it(client: Client, stream_prefix: str) -> None:
    name = await stream.ensure_capture_stream(client, stream_prefix)
    await stream.publish_whole(client, [OutgoingMessage(f"{stream_prefix}capture.1", b"kept")])
    assert await stream.ensure_capture_stream(client, stream_prefix) == name
    assert (await client.jetstream().stream_info(name)).state.messages == 1


async def test_without_a_stream_nothing_is_said_to_be_kept(
    client: Client, stream_prefix: str
) -> None:
    with pytest.raises(StreamUnavailable):
        await stream.publish_whole(client, [OutgoingMessage(f"{stream_prefix}nowhere.1", b"lost")])
