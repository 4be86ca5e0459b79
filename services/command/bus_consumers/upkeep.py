"""JetStream's consumers, kept as the log has the bus consumers: made, changed, made anew, removed.

The log is first. Whatever dies between a fact and its consumer, the next look makes it good: at the
start, once a minute, and whenever the public stream was made anew. One consumer is looked at by one
process at a time, on the newest facts, so that no old look undoes a newer one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, LiteralString

import msgspec
import nats.errors
from nats.aio.client import Client
from prometheus_client import Gauge

from contracts.events.streams import bus_consumer_stream
from contracts.read_models.bus_consumer import BusConsumerRow
from contracts.subjects import FACTS_STREAM
from domain.bus_consumer.view import view
from services.common.log.store import EventStore
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.stream import StreamUnavailable, ask_jetstream
from services.common.tasks import every, pass_over

log = logger("recount.bus")

CONSUMERS = Gauge("recount_bus_consumers", "Bus consumers there are, of all projects.")

LOOK_SECONDS = 60.0
PAUSE_SECONDS = 1.0
FOLLOW_SECONDS = 0.2

ACK_WAIT_SECONDS = 30
MOST_UNACKNOWLEDGED = 1000
# In the consumer's metadata: the version of the fact that made it begin where it began.
BEGUN = "recount_begun"
# The server wants an end of every pause.
_FOR_EVER = "2200-01-01T00:00:00Z"

# Advisory locks of this kind; the second number is the consumer's.
_LOCK = 7_210_341
_SECOND = 1_000_000_000
# JetStream's errors: no such consumer, no such stream.
_NOT_THERE = frozenset({10014, 10059})

AWAY = (StreamUnavailable, nats.errors.Error, *CONNECTION_LOST, TimeoutError, OSError)

_THERE: LiteralString = "SELECT id, team_id FROM bus_consumer_ids WHERE gone_at IS NULL ORDER BY id"
_GONE: LiteralString = (
    "SELECT key FROM bus_consumer_ids WHERE key = ANY(%s) AND gone_at IS NOT NULL"
)
_TOLD: LiteralString = """
    SELECT DISTINCT team_id, split_part(subject, '/', 2)::bigint FROM log
    WHERE notification_id > %s AND notification_id <= %s AND subject LIKE 'bus\\_consumer/%%'"""
_REMEMBERED: LiteralString = (
    "SELECT acknowledged FROM bus_consumer_ids WHERE id = %s AND begun = %s"
)
_REMEMBER: LiteralString = (
    "UPDATE bus_consumer_ids SET acknowledged = %(acknowledged)s, begun = %(begun)s"
    " WHERE id = %(id)s AND (begun, acknowledged) IS DISTINCT FROM (%(begun)s, %(acknowledged)s)"
)


class Place(msgspec.Struct, frozen=True):
    """How far a consumer has come. acknowledged: the position up to which all that it wants is
    acknowledged. pending: facts that are not. begun: as its row has it.
    """

    acknowledged: int
    pending: int
    begun: int
    is_paused: bool
    config: dict[str, Any]


class Upkeep:
    """client: in the account of the streams."""

    def __init__(self, pool: Pool, store: EventStore, client: Client) -> None:
        self._pool = pool
        self._store = store
        self._client = client
        # Each holds a connection of the pool, and needs another one.
        self._turn = asyncio.Lock()

    async def watch(self) -> None:
        """Until cancelled."""
        await every(LOOK_SECONDS, self.look, away=AWAY, pause=PAUSE_SECONDS)

    async def follow(self, rung: asyncio.Event, cut_dead: Callable[[], Awaitable[object]]) -> None:
        """Until cancelled: as soon as somebody else (an undo, another process that died over it)
        has said something of consumers, they are brought in line and connections looked through.

        rung: when the log has grown.
        """
        seen = await self._store.head()

        async def look() -> None:
            nonlocal seen
            head = await self._store.head()
            async with self._pool.connection() as conn:
                named = await (await conn.execute(_TOLD, (seen, head))).fetchall()
            for team_id, number in named:
                await self.bring_in_line(team_id, number)
            if named:
                await cut_dead()
            seen = head
            # Not for every fact of a busy log.
            await asyncio.sleep(FOLLOW_SECONDS)

        await every(LOOK_SECONDS, look, away=AWAY, rung=rung, pause=PAUSE_SECONDS)

    async def look(self) -> None:
        """Bring every consumer in line. Raises what AWAY has."""
        async with self._pool.connection() as conn:
            there = await (await conn.execute(_THERE)).fetchall()
        live, failed = 0, None
        for number, team_id in there:
            try:
                live += await self.bring_in_line(team_id, number)
            except StreamUnavailable as cause:
                # One that can't be helped keeps no other one waiting.
                failed = cause
        if failed is not None:
            raise failed
        await self._remove_returned()
        CONSUMERS.set(live)

    async def bring_in_line(self, team_id: int, number: int) -> bool:
        """Whether there is such a consumer. Raises what AWAY has."""
        async with self._alone(number):
            row = view(await self._store.load(bus_consumer_stream(team_id, number)))
            if row is None:
                return False  # a number that was drawn, and no fact came of it
            if row.deleted:
                await self._remove(row)
            else:
                await self._hold(row)
            return not row.deleted

    async def place(self, row: BusConsumerRow) -> Place | None:
        """None: there is no such consumer on the bus. Raises what AWAY has."""
        told = await self._ask(f"CONSUMER.INFO.{FACTS_STREAM}.{row.key}", {}, _NOT_THERE)
        if "error" in told:
            return None
        config = told["config"]
        return Place(
            # Before the first acknowledgement the server says 0.
            acknowledged=max(told["ack_floor"]["stream_seq"], config.get("opt_start_seq", 1) - 1),
            pending=told["num_pending"] + told["num_ack_pending"],
            begun=int((config.get("metadata") or {}).get(BEGUN, 0)),
            is_paused=bool(told.get("paused")),
            config=config,
        )

    async def first_position(self) -> int:
        """Of the first message that the public stream has; 1 while it does not say."""
        try:
            told = await self._ask(f"STREAM.INFO.{FACTS_STREAM}", {})
        except AWAY as cause:
            pass_over("bus consumers: first position", cause)
            return 1
        return max(int(told["state"]["first_seq"]), 1)

    async def _hold(self, row: BusConsumerRow) -> None:
        place = await self.place(row)
        if place is not None and place.begun != row.begun:
            await self._delete(row.key)
            place = None
        if place is None:
            await self._make(row)
            return
        await self._remember(row, place.acknowledged)
        if set(place.config.get("filter_subjects") or ()) != set(filter_subjects(row)):
            config = {**place.config, "filter_subjects": filter_subjects(row)}
            config.pop("filter_subject", None)
            config.pop("pause_until", None)
            await self._write(row, config, "update")
        if place.is_paused != row.paused:
            asked = {"pause_until": _FOR_EVER} if row.paused else {}
            await self._ask(f"CONSUMER.PAUSE.{FACTS_STREAM}.{row.key}", asked)

    async def _make(self, row: BusConsumerRow) -> None:
        # While the stream is made anew, its consumers come back by that, each where it was. Asked
        # after the consumer was missing: who deletes the stream has said so before.
        if await self._is_made_anew():
            raise StreamUnavailable(f"{FACTS_STREAM} is being made anew")
        if await self.place(row) is not None:
            return
        behind = max(row.after.position, await self._remembered(row))
        await self._write(row, _config(row, behind), "create")
        await self._remember(row, behind)

    async def _write(self, row: BusConsumerRow, config: dict[str, Any], action: str) -> None:
        asked = {"stream_name": FACTS_STREAM, "config": config, "action": action}
        await self._ask(f"CONSUMER.CREATE.{FACTS_STREAM}.{row.key}", asked)

    async def _remove(self, row: BusConsumerRow) -> None:
        await self._delete(row.key)
        async with self._pool.connection() as conn:
            await conn.execute(
                "UPDATE bus_consumer_ids SET gone_at = now() WHERE id = %s", (row.consumer_id,)
            )

    async def _remove_returned(self) -> None:
        """Consumers that were removed, and came back with a stream that was made anew from what was
        last seen of it.
        """
        names: list[str] = []
        while True:
            asked = {"offset": len(names)}
            page = await self._ask(f"CONSUMER.NAMES.{FACTS_STREAM}", asked, _NOT_THERE)
            named = page.get("consumers") or []
            names += named
            if not named or len(names) >= page["total"]:
                break
        async with self._pool.connection() as conn:
            returned = await (await conn.execute(_GONE, (names,))).fetchall()
        for (key,) in returned:
            await self._delete(key)

    async def _delete(self, key: str) -> None:
        await self._ask(f"CONSUMER.DELETE.{FACTS_STREAM}.{key}", {}, _NOT_THERE)

    async def _is_made_anew(self) -> bool:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT 1 FROM bus_rebuilds WHERE stream = %s", (FACTS_STREAM,)
            )
            return await cursor.fetchone() is not None

    async def _remembered(self, row: BusConsumerRow) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_REMEMBERED, (row.consumer_id, row.begun))
            found = await cursor.fetchone()
        return 0 if found is None else int(found[0] or 0)

    async def _remember(self, row: BusConsumerRow, acknowledged: int) -> None:
        asked = {"id": row.consumer_id, "begun": row.begun, "acknowledged": acknowledged}
        async with self._pool.connection() as conn:
            await conn.execute(_REMEMBER, asked)

    @contextlib.asynccontextmanager
    async def _alone(self, number: int) -> AsyncIterator[None]:
        async with self._turn, self._pool.connection() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, number))
            yield

    async def _ask(
        self, what: str, body: dict[str, Any], fine: frozenset[int] = frozenset()
    ) -> dict[str, Any]:
        return await ask_jetstream(self._client, what, body, fine)


def filter_subjects(row: BusConsumerRow) -> list[str]:
    """The subjects of the facts that it gets. None within another: the server refuses that."""
    prefixes = [name[:-1] for name in row.types if name.endswith("*")]
    return [
        f"insights.{row.team_id}.{f'{name[:-1]}>' if name.endswith('*') else name}"
        for name in row.types or ("*",)
        if not any(_within(name, prefix) for prefix in prefixes)
    ]


def _within(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name != f"{prefix}*"


def _config(row: BusConsumerRow, behind: int) -> dict[str, Any]:
    config: dict[str, Any] = {
        "durable_name": row.key,
        "name": row.key,
        "description": f"Bus consumer {row.consumer_id} of project {row.team_id}",
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": behind + 1,
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_SECONDS * _SECOND,
        "max_ack_pending": MOST_UNACKNOWLEDGED,
        "max_deliver": -1,
        "filter_subjects": filter_subjects(row),
        "replay_policy": "instant",
        "metadata": {BEGUN: str(row.begun)},
    }
    return config | ({"pause_until": _FOR_EVER} if row.paused else {})
