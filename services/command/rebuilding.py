"""The public stream made anew, where it has lost what it held: no subscriber loses a fact.

Sequences can't be filled in, so the stream is deleted and published again from position 1. What
durable consumers have acknowledged is written down before, and they are made again once everything
is back: they go on behind it. A process that is killed anywhere leaves the line in `bus_rebuilds`,
and the next relay goes on from there.
"""

import json
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError
from psycopg.types.json import Jsonb

from services.common.postgres.database import Pool
from services.common.stream import StreamUnavailable, ensure_facts_stream

# Advisory locks of this kind; the second number is made of the stream's name.
_LOCK = 7_210_336


def damage(info: StreamInfo) -> str | None:
    """The stream's own report of what is missing between 1 and its last sequence; None: nothing."""
    state = info.state
    if state.last_seq == 0 or (state.messages == state.last_seq and not state.num_deleted):
        return None
    return f"{state.last_seq - state.messages} of its {state.last_seq} messages are gone"


async def make_anew(pool: Pool, client: Client, prefix: str, name: str, replicas: int) -> None:
    """An empty stream in the place of the damaged one, unless another relay has made it by now."""
    async with pool.connection() as locking, locking.transaction():
        await locking.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, name))
        stream = client.jetstream()
        if await _is_whole(client, name):
            return
        consumers = await _consumers(client, name)
        # By another connection: it must be stored before anything is deleted.
        async with pool.connection() as conn:
            await conn.execute(
                "INSERT INTO bus_rebuilds (stream, consumers) VALUES (%s, %s)"
                " ON CONFLICT DO NOTHING",
                (name, Jsonb(consumers)),
            )
        await stream.delete_stream(name)
        await ensure_facts_stream(client, prefix, replicas)


async def _is_whole(client: Client, name: str) -> bool:
    stream = client.jetstream()
    info = await stream.stream_info(name)
    if damage(info) is not None:
        return False
    try:
        if info.state.last_seq:
            await stream.get_msg(name, info.state.last_seq)
    except NotFoundError:
        return False
    return True


async def is_pending(pool: Pool, name: str) -> bool:
    """Whether consumers wait to be made again."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT 1 FROM bus_rebuilds WHERE stream = %s", (name,))
        return await cursor.fetchone() is not None


async def finish(pool: Pool, client: Client, name: str) -> None:
    """Once all is published again: the consumers, each behind what it has acknowledged."""
    async with pool.connection() as conn:
        cursor = await conn.execute("SELECT consumers FROM bus_rebuilds WHERE stream = %s", (name,))
        row = await cursor.fetchone()
    for consumer in row[0] if row else ():
        await _make(client, name, consumer)
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM bus_rebuilds WHERE stream = %s", (name,))


async def _consumers(client: Client, name: str) -> list[dict[str, Any]]:
    """Every durable one, as the server tells it."""
    found: list[dict[str, Any]] = []
    while True:
        page = await _ask(client, f"CONSUMER.LIST.{name}", {"offset": len(found)})
        found += page["consumers"] or []
        if not page["consumers"] or len(found) >= page["total"]:
            return [one for one in found if one["config"].get("durable_name")]


async def _make(client: Client, name: str, consumer: dict[str, Any]) -> None:
    config = {**consumer["config"], "deliver_policy": "by_start_sequence"}
    config.pop("opt_start_time", None)
    floor = consumer["delivered"] if config["ack_policy"] == "none" else consumer["ack_floor"]
    config["opt_start_seq"] = floor["stream_seq"] + 1
    subject = f"CONSUMER.DURABLE.CREATE.{name}.{config['durable_name']}"
    await _ask(client, subject, {"stream_name": name, "config": config, "action": "create"})


async def _ask(client: Client, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """The server's own JSON: a consumer comes back as it was, with members we have no name for."""
    message = await client.request(f"$JS.API.{what}", json.dumps(body).encode(), timeout=5)
    answer: dict[str, Any] = msgspec.json.decode(message.data)
    error = answer.get("error")
    if error is not None and error.get("err_code") not in _IS_THERE:
        raise StreamUnavailable(f"{what}: {error.get('description')}")
    return answer


# A consumer of this name: made by its subscriber meanwhile, or by another relay.
_IS_THERE = frozenset({10013, 10105, 10148})
