"""Makes, changes, shows and ends bus consumers."""

import asyncio
import contextlib
import secrets
import string
from collections.abc import AsyncIterator, Sequence
from typing import LiteralString

import msgspec
from litestar import Response
from msgspec import UNSET, UnsetType

from contracts.api.bus_consumers import (
    BusConsumerBody,
    BusConsumerList,
    CreateBusConsumer,
    WriteBusConsumer,
)
from contracts.api.times import written
from contracts.events.bus_consumer import BusConsumerEvent, BusStart
from contracts.events.streams import Stream, bus_consumer_stream
from contracts.read_models.bus_consumer import BusConsumerRow
from contracts.subjects import FACTS_STREAM
from domain.bus_consumer import commands
from domain.bus_consumer.view import view
from services.command.bus_consumers import connections, places, upkeep
from services.command.bus_consumers.connections import Connections
from services.command.bus_consumers.credentials import Credentials
from services.command.bus_consumers.translation import RULES, known_types
from services.command.bus_consumers.upkeep import Upkeep
from services.command.handle import Outcome, Terms, Write, given, handle, plain
from services.command.plans import drawn
from services.common import bus_accounts
from services.common.accounts.accounts import Accounts
from services.common.bus import BusNodes
from services.common.http.answers import nothing, resource
from services.common.http.caller import Caller
from services.common.http.problems import Problem, Rejected, forbidden, not_found
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore
from services.common.logs import logger
from services.common.postgres.database import Pool
from services.common.tasks import describe, pass_over

log = logger("recount.bus")

MOST_CONSUMERS = 20
# Advisory locks of this kind; the second number is the project's.
_LOCK = 7_210_342

_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH = 16

# The number of a trial is of nobody that is there, until its plan is done.
_NEW: LiteralString = """
    INSERT INTO bus_consumer_ids (team_id, key, gone_at)
    VALUES (%s, %s, CASE WHEN %s THEN now() END) RETURNING id"""
_HOLD: LiteralString = "UPDATE bus_consumer_ids SET gone_at = NULL WHERE team_id = %s AND id = %s"
_THERE: LiteralString = (
    "SELECT id FROM bus_consumer_ids WHERE team_id = %s AND gone_at IS NULL ORDER BY id"
)
_BY_KEY: LiteralString = "SELECT id FROM bus_consumer_ids WHERE team_id = %s AND key = %s"

ConsumerWrite = Write[commands.BusConsumerCommand, BusConsumerEvent]
ConsumerOutcome = Outcome[BusConsumerEvent]


class NewConsumer(msgspec.Struct, frozen=True):
    """The number and the name of one that is about to be made."""

    id: int
    key: str


class Bus(msgspec.Struct, frozen=True):
    """What a bus that is set up for subscribers takes. url: as they are told it."""

    url: str
    credentials: Credentials
    connections: Connections
    upkeep: Upkeep


class BusConsumers:
    """bus: None where the bus is not set up for subscribers."""

    def __init__(self, pool: Pool, store: EventStore, accounts: Accounts, bus: Bus | None) -> None:
        self._pool = pool
        self._store = store
        self._accounts = accounts
        self._bus = bus
        self._one_by_one = asyncio.Lock()

    async def create(self, sent: CreateBusConsumer, terms: Terms) -> Response[bytes]:
        """Raises Rejected: 403 to all but administrators, 409 bus_not_prepared and too_many, 400;
        and as `check_cursor` does.
        """
        caller = terms.caller
        bus = self._for(caller)

        async def begin() -> ConsumerWrite:
            types = known_types(sent.types)
            if len(await self._rows(caller.team_id)) >= MOST_CONSUMERS:
                raise _too_many()
            after = await self._start(bus, caller.team_id, sent.after)
            new = await drawn(lambda: self._new(terms), NewConsumer)
            if terms.plan is not None:
                await self._hold(caller.team_id, new.id)
            command = commands.CreateBusConsumer(
                consumer_id=new.id,
                key=new.key,
                name=sent.name,
                types=types,
                after=after,
                password_id=await self._password(bus, terms),
            )
            return plain(bus_consumer_stream(caller.team_id, new.id), command)

        async with self._making(caller.team_id):
            outcome = await handle(self._store, RULES, begin, terms)
        await self._in_line(bus, outcome)
        return await self._answer(bus, outcome, status=201, password=True)

    async def edit(self, key: str, sent: WriteBusConsumer, terms: Terms) -> Response[bytes]:
        """Raises as `create` does, and as `handle`."""
        caller = terms.caller
        bus = self._for(caller)

        async def begin() -> ConsumerWrite:
            stream = await self._stream(caller, key)
            after: BusStart | UnsetType = UNSET
            if sent.after is not UNSET:
                after = await self._start(bus, caller.team_id, sent.after)
            types = UNSET if sent.types is UNSET else known_types(sent.types)
            command = commands.EditBusConsumer(
                name=sent.name, types=types, after=after, paused=sent.paused
            )
            return plain(stream, command)

        outcome = await handle(self._store, RULES, begin, terms)
        await self._in_line(bus, outcome)
        return await self._answer(bus, outcome)

    async def rotate_password(self, key: str, terms: Terms) -> Response[bytes]:
        """A new password, the caller's; who is connected by the old one is cut off."""
        caller = terms.caller
        bus = self._for(caller)

        async def begin() -> ConsumerWrite:
            stream = await self._stream(caller, key)
            return plain(stream, commands.RotateBusPassword(await self._password(bus, terms)))

        outcome = await handle(self._store, RULES, begin, terms)
        await self._cut(bus, key)
        return await self._answer(bus, outcome, password=True)

    async def delete(self, key: str, terms: Terms) -> Response[None]:
        """For good; who is connected is cut off."""
        caller = terms.caller
        bus = self._for(caller)
        write: ConsumerWrite = plain(await self._stream(caller, key), commands.DeleteBusConsumer())
        outcome = await handle(self._store, RULES, given(write), terms)
        await self._cut(bus, key)
        await self._in_line(bus, outcome)
        return nothing(outcome.position, outcome.operation_id)

    async def one(self, key: str, caller: Caller) -> Response[bytes]:
        """Raises Rejected 404, 403, 409 bus_not_prepared."""
        bus = self._for(caller)
        stream = await self._stream(caller, key)
        history = await self._store.load(stream)
        row = view(history)
        if row is None or row.deleted:
            raise not_found()
        (body,) = await self._bodies(bus, [row])
        return resource(
            msgspec.json.encode(body), version=row.version, position=history[-1].position
        )

    async def all(self, caller: Caller) -> BusConsumerList:
        """Those of the project, the oldest first. Raises Rejected 403, 409 bus_not_prepared."""
        bus = self._for(caller)
        rows = await self._rows(caller.team_id)
        return BusConsumerList(results=tuple(await self._bodies(bus, rows)))

    @contextlib.asynccontextmanager
    async def _making(self, team_id: int) -> AsyncIterator[None]:
        """One after the other in a project, so that there are never too many."""
        # In this process by its own lock: each holds a connection of the pool, and needs another.
        async with self._one_by_one, self._pool.connection() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, team_id))
            yield

    def _for(self, caller: Caller) -> Bus:
        if not caller.is_administrator:
            raise forbidden("Only administrators may manage bus consumers.")
        if self._bus is None:
            raise _not_prepared()
        return self._bus

    async def _start(self, bus: Bus, team_id: int, after: str) -> BusStart:
        """Where it begins; of a plan where that has shown."""

        async def start() -> BusStart:
            first = await bus.upkeep.first_position()
            return await places.start_after(self._pool, team_id, after, first)

        return await drawn(start, BusStart)

    async def _new(self, terms: Terms) -> NewConsumer:
        team_id = terms.caller.team_id
        key = f"bc_{''.join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))}"
        number = await self._number(_NEW, team_id, key, terms.dry_run)
        if number is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return NewConsumer(number, key)

    async def _hold(self, team_id: int, number: int) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(_HOLD, (team_id, number))

    async def _password(self, bus: Bus, terms: Terms) -> int:
        """The number of a new one. A trial makes none."""
        return 0 if terms.dry_run else (await bus.credentials.issue(terms.caller)).id

    async def _rows(self, team_id: int) -> list[BusConsumerRow]:
        async with self._pool.connection() as conn:
            found = await (await conn.execute(_THERE, (team_id,))).fetchall()
        streams = [bus_consumer_stream(team_id, number) for (number,) in found]
        if not streams:
            return []
        pasts = await self._store.load_all(streams)
        rows = [view(pasts[stream]) for stream in streams]
        return [row for row in rows if row is not None and not row.deleted]

    async def _stream(self, caller: Caller, key: str) -> Stream[BusConsumerEvent]:
        """Raises Rejected 404 for a name that was never given."""
        number = await self._number(_BY_KEY, caller.team_id, key)
        if number is None:
            raise not_found()
        return bus_consumer_stream(caller.team_id, number)

    async def _number(self, statement: LiteralString, *values: object) -> int | None:
        async with self._pool.connection() as conn:
            row = await (await conn.execute(statement, values)).fetchone()
        return None if row is None else int(row[0])

    async def _in_line(self, bus: Bus, outcome: ConsumerOutcome) -> None:
        """Now, if the bus is there; else as soon as it is."""
        row = view(outcome.history)
        if row is None:
            return
        try:
            await bus.upkeep.bring_in_line(row.team_id, row.consumer_id)
        except upkeep.AWAY as cause:
            log.warning("bus_consumer_waits", consumer=row.key, cause=describe(cause))

    async def _cut(self, bus: Bus, key: str) -> None:
        try:
            await bus.connections.cut_dead({key})
        except connections.AWAY as cause:
            log.warning("bus_consumer_waits", consumer=key, cause=describe(cause))

    async def _answer(
        self, bus: Bus, outcome: ConsumerOutcome, *, status: int = 200, password: bool = False
    ) -> Response[bytes]:
        row = view(outcome.history)
        if row is None:
            raise ValueError("a bus consumer without a history has no answer")
        (body,) = await self._bodies(bus, [row])
        if password:
            shown = await bus.credentials.text_of(row.password_id)
            body = msgspec.structs.replace(body, password=shown)
        return resource(
            msgspec.json.encode(body),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )

    async def _bodies(self, bus: Bus, rows: Sequence[BusConsumerRow]) -> list[BusConsumerBody]:
        connected = await self._connected(bus)
        standings = await bus.credentials.standings({row.password_id for row in rows})
        users = await user_bodies(self._accounts, (row.created_by for row in rows))
        bodies = []
        for row in rows:
            acknowledged, pending = await self._place(bus, row)
            standing = standings.get(row.password_id)
            bodies.append(
                BusConsumerBody(
                    id=row.key,
                    name=row.name,
                    url=bus.url,
                    user=row.key,
                    stream=FACTS_STREAM,
                    consumer=row.key,
                    inbox_prefix=bus_accounts.inbox_prefix(row.key),
                    after=await places.cursor_of(self._pool, row.team_id, row.after.sequence),
                    acknowledged=acknowledged,
                    pending=pending,
                    connected=None if connected is None else connected.count(row.key),
                    types=row.types,
                    paused=row.paused,
                    locked_out=None if standing is None else standing.locked_out,
                    created_at=written(row.created_at),
                    created_by=users.get(row.created_by or 0),
                    updated_at=written(row.updated_at),
                    version=row.version,
                )
            )
        return bodies

    async def _place(self, bus: Bus, row: BusConsumerRow) -> tuple[str | None, int | None]:
        """The cursor that it has acknowledged up to, and how many facts it has not."""
        try:
            place = await bus.upkeep.place(row)
        except upkeep.AWAY as cause:
            pass_over("bus consumers: place", cause)
            return None, None
        if place is None or place.begun != row.begun:
            return None, None
        position = max(place.acknowledged, row.after.position)
        return await places.cursor_at(self._pool, row.team_id, position), place.pending

    async def _connected(self, bus: Bus) -> list[str] | None:
        """The user of every connection."""
        try:
            return [one.user for one in await bus.connections.all()]
        except connections.AWAY as cause:
            pass_over("bus consumers: connections", cause)
            return None


def public_url(nats_url: str, told: str) -> str:
    """told: as the setting has it; else the services' own URL, without its user."""
    return told or ",".join(BusNodes.of(nats_url).nodes)


def _too_many() -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="too_many",
            detail=f"A project has {MOST_CONSUMERS} bus consumers at most. Delete one first.",
        ),
    )


def _not_prepared() -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="bus_not_prepared",
            detail="This NATS is not set up for subscribers. Its configuration needs the lines in"
            " nats_conf, and the command service RECOUNT_COMMAND_NATS_ISSUER (or …_FILE) and"
            " RECOUNT_COMMAND_NATS_SYSTEM_USER; `recount keys bus` makes the key.",
        ),
        more={"nats_conf": bus_accounts.NATS_CONF},
    )
