"""Accounts on a real log, and what its chains tell of them."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from contracts.events.account import AccountEvent
from contracts.events.recorded import DomainEvent, Recorded, UserActor
from contracts.events.streams import account_stream
from services.command.accounts.chains import Chains, Speaker
from services.command.accounts.service import AccountWrites
from services.common.accounts.comparing import AccountDifference, account_differences
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool

ADA = Speaker(UserActor(1, "ada's"), UUID(int=7))


class Crash(Exception):
    pass


class Books(msgspec.Struct, frozen=True):
    pool: Pool
    store: EventStore
    chains: Chains

    def writes(self, crash_at: str | None = None, speaker: Speaker = ADA) -> AccountWrites:
        """crash_at: it dies there."""

        def reached(point: str) -> None:
            if point == crash_at:
                raise Crash

        return AccountWrites(self.chains, speaker, reached)

    async def organization(self, name: str = "Ours") -> UUID:
        return (await self.writes().create_organization(name)).id

    async def facts(self, chain: int = -1) -> list[Recorded[AccountEvent]]:
        return await self.store.load(account_stream(chain))

    async def said(self, chain: int = -1) -> list[DomainEvent]:
        return [fact.event for fact in await self.facts(chain)]

    async def differences(self) -> list[AccountDifference]:
        async with self.pool.connection() as conn:
            return await account_differences(conn)

    async def execute(self, statement: str, *values: object) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(statement.encode(), values)

    async def value(self, statement: str, *values: object) -> object:
        async with self.pool.connection() as conn:
            row = await (await conn.execute(statement.encode(), values)).fetchone()
        return None if row is None else row[0]


@pytest.fixture
async def books(postgres_url: str) -> AsyncIterator[Books]:
    async with pool(postgres_url) as connections, EventStore.open(postgres_url) as store:
        yield Books(connections, store, Chains(connections, store))
