"""Appends to organizations' chains what happens to their accounts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import LiteralString
from uuid import UUID, uuid4

import msgspec

from contracts.events.account import AccountEvent
from contracts.events.recorded import Actor, SystemActor
from contracts.events.streams import account_stream
from domain.account.commands import AccountCommand
from domain.account.decide import begin, decide
from domain.account.state import Told, fold
from domain.errors import ConcurrentEdit
from services.common.accounts.comparing import there
from services.common.log.store import (
    Append,
    AppendPart,
    EventStore,
    LogUnavailable,
    NewReceipt,
    OutcomeUnknown,
    ReceiptExists,
)
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import background, every

# Writes to one organization's accounts are rare; a machine can still make many keys at once.
ROUNDS = 64
BEGIN_EVERY_SECONDS = 3_600.0
AWAY = (LogUnavailable, OutcomeUnknown, *CONNECTION_LOST)
# The advisory lock of whoever writes to accounts.
_LOCK = 7_210_382

_CHAIN: LiteralString = "SELECT chain FROM organizations WHERE id = %s"
_NOT_BEGUN: LiteralString = """
    SELECT id FROM organizations
    WHERE NOT EXISTS (SELECT FROM log_heads WHERE team_id = chain) ORDER BY chain DESC"""


class AlreadySaid(Exception):
    """Under this receipt it was said before. events: the facts that said it."""

    def __init__(self, events: tuple[AccountEvent, ...], request_hash: bytes) -> None:
        super().__init__(f"{len(events)} facts")
        self.events = events
        self.request_hash = request_hash


class Speaker(msgspec.Struct, frozen=True):
    """Who says it, and under which operation; None: under a new one each time."""

    actor: Actor
    operation_id: UUID | None = None


SYSTEM = Speaker(SystemActor())


class Chains:
    """One for a process: its writes to accounts are made one after the other."""

    def __init__(self, pool: Pool, store: EventStore) -> None:
        self.pool = pool
        self._store = store
        self._one_by_one = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """No process writes to accounts meanwhile: what one says, no other takes back before it is
        done.
        """
        # In this process one waits, and not each on a connection of its own.
        async with self._one_by_one, self.pool.connection() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield

    async def begin_all(self) -> None:
        """Tell of every organization that is older than its chain what its accounts are."""
        async with self.pool.connection() as conn:
            found = await (await conn.execute(_NOT_BEGUN)).fetchall()
        for (organization_id,) in found:
            await self._told(organization_id, await self._chain(organization_id))

    async def say(
        self,
        organization_id: UUID,
        command: AccountCommand,
        speaker: Speaker,
        receipt: NewReceipt | None = None,
    ) -> None:
        """Append the command's facts, if there are any. Raises AlreadySaid, and as appends do."""
        chain = await self._chain(organization_id)
        stream = account_stream(chain)
        left = ROUNDS
        while True:
            left -= 1
            told, version = await self._told(organization_id, chain)
            events = tuple(decide(command, told))
            if not events and receipt is None:
                return
            try:
                await self._append(AppendPart(stream, version, events), speaker, receipt)
            except ConcurrentEdit:
                if not left:
                    raise
            except ReceiptExists as cause:
                before = await self._store.operations(chain, [cause.receipt.operation_id])
                said = tuple(
                    each.fact.event for each in before if isinstance(each.fact.event, AccountEvent)
                )
                raise AlreadySaid(said, cause.receipt.request_hash) from cause
            else:
                return

    async def _told(self, organization_id: UUID, chain: int) -> tuple[Told, int]:
        """What the chain tells, begun if need be; and its version.

        It begins at version 0 or not at all: whoever loses that race reads what was said first.
        """
        stream = account_stream(chain)
        past = await self._store.load(stream)
        if not past:
            async with self.pool.connection() as conn:
                facts = begin(await there(conn, organization_id))
            if facts:
                with contextlib.suppress(ConcurrentEdit):
                    await self._append(AppendPart(stream, 0, tuple(facts)), SYSTEM, None)
                past = await self._store.load(stream)
        return fold(fact.event for fact in past), len(past)

    async def _append(self, part: AppendPart, speaker: Speaker, receipt: NewReceipt | None) -> None:
        operation_id = speaker.operation_id or uuid4()
        await self._store.append(
            Append(
                parts=(part,),
                actor=speaker.actor,
                operation_id=operation_id,
                correlation_id=operation_id,
                receipt=receipt,
            )
        )

    async def _chain(self, organization_id: UUID) -> int:
        async with self.pool.connection() as conn:
            row = await (await conn.execute(_CHAIN, (organization_id,))).fetchone()
        if row is None:
            raise LookupError(f"there is no organization {organization_id}")
        return int(row[0])


@contextlib.asynccontextmanager
async def beginning(chains: Chains) -> AsyncIterator[None]:
    """Meanwhile every organization that is older than its chain is told of: at once, and now and
    then for those that somebody else has made.
    """
    work = every(BEGIN_EVERY_SECONDS, chains.begin_all, away=AWAY)
    async with background("chains", work):
        yield
