"""A log and its projections on a real PostgreSQL: append facts, catch up, look at the rows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from contracts.events.recorded import Actor, DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from contracts.read_models.activity import ActivityDetails, ActivityRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import PROJECTED_CHANNEL
from contracts.read_models.sharing import SharingRow
from services.common.log.store import Append, AppendPart, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool, pool
from services.projector.app import projections, rebuildable
from services.projector.batch import CrashAt, no_crash
from services.projector.projection import Projection
from services.projector.runner import ProjectionRunner
from tests.examples import ALICE, INSIGHT, TEAM


class Killed(Exception):
    """Raised at a named point, as if the process died there."""


def killed_at(point: str) -> CrashAt:
    def crash(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    return crash


class Projecting:
    """One database; projections under test are made anew for each run, as by a new process."""

    def __init__(self, store: EventStore, connections: Pool, url: str) -> None:
        self.store = store
        self.pool = connections
        self.url = url

    async def append(
        self,
        *events: DomainEvent,
        of: Stream[DomainEvent] | None = None,
        actor: Actor = ALICE,
        operation: UUID | None = None,
    ) -> Sequence[Recorded[Any]]:
        """One command's facts; on insight INSIGHT unless told otherwise."""
        operation = operation or uuid4()
        appended = await self.store.append(
            Append(
                parts=(AppendPart(of or insight(), None, events),),
                actor=actor,
                operation_id=operation,
                correlation_id=operation,
            )
        )
        return appended.recorded

    async def append_each(
        self, events: Iterable[DomainEvent], of: Stream[DomainEvent] | None = None
    ) -> None:
        """A command for each."""
        for event in events:
            await self.append(event, of=of)

    def runner(
        self, projection: Projection[Any], *, size: int = 1000, crash_at: CrashAt = no_crash
    ) -> ProjectionRunner:
        return ProjectionRunner(projection, self.store, self.pool, size=size, crash_at=crash_at)

    async def catch_up(self, size: int = 1000) -> int:
        """Every projection, to the log's end."""
        reached = [await self.runner(each, size=size).catch_up() for each in rebuildable()]
        assert len(set(reached)) == 1
        return reached[0]

    async def insight(self, number: int = INSIGHT) -> InsightRow | None:
        rows = await self.rows(
            "SELECT row::text FROM insights WHERE team_id = %s AND insight_id = %s", TEAM, number
        )
        return msgspec.json.decode(rows[0]["row"], type=InsightRow) if rows else None

    async def sharing(self, number: int = INSIGHT) -> SharingRow | None:
        rows = await self.rows(
            "SELECT row::text FROM sharing WHERE team_id = %s AND insight_id = %s", TEAM, number
        )
        return msgspec.json.decode(rows[0]["row"], type=SharingRow) if rows else None

    async def dashboard(self, number: int = 3) -> DashboardRow | None:
        rows = await self.rows(
            "SELECT row::text FROM dashboards WHERE team_id = %s AND dashboard_id = %s",
            TEAM,
            number,
        )
        return msgspec.json.decode(rows[0]["row"], type=DashboardRow) if rows else None

    async def activity(
        self, item_id: int | str = INSIGHT, scope: str = "Insight"
    ) -> list[ActivityRow]:
        """Oldest first."""
        rows = await self.rows(
            "SELECT *, row::text AS details FROM activity"
            " WHERE team_id = %s AND scope = %s AND item_id = %s ORDER BY position",
            TEAM,
            scope,
            str(item_id),
        )
        names = ActivityRow.__struct_fields__
        return [
            ActivityRow(
                **{name: row[name] for name in names}
                | {"details": msgspec.json.decode(row["details"], type=ActivityDetails)}
            )
            for row in rows
        ]

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of all projections, and how far they are."""
        tables = {
            table.name: await self._all(table.name)
            for projection in projections()
            for table in projection.tables
        }
        return tables | {name: await self._all(name) for name in ("checkpoints", "parked_streams")}

    async def _all(self, table: str) -> list[dict[str, Any]]:
        statement = sql.SQL("SELECT to_jsonb(t) AS row FROM {} t ORDER BY to_jsonb(t)::text")
        return await self.rows(statement.format(sql.Identifier(table)))

    async def rows(
        self, statement: LiteralString | sql.Composed, *values: object
    ) -> list[dict[str, Any]]:
        async with self.pool.connection() as conn:
            cursor = conn.cursor(row_factory=dict_row)
            await cursor.execute(statement, values)
            return await cursor.fetchall()

    async def execute(self, statement: LiteralString | sql.Composed, *values: object) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(statement, values or None)


def insight(number: int = INSIGHT, team_id: int = TEAM) -> Stream[DomainEvent]:
    return Stream(StreamKind.INSIGHT, team_id, number)


def sharing(number: int = INSIGHT, team_id: int = TEAM) -> Stream[DomainEvent]:
    return Stream(StreamKind.SHARING, team_id, number)


def viewing(user_id: int = ALICE.user_id, team_id: int = TEAM) -> Stream[DomainEvent]:
    return Stream(StreamKind.VIEWING, team_id, user_id)


def dashboard(number: int = 3, team_id: int = TEAM) -> Stream[DomainEvent]:
    return Stream(StreamKind.DASHBOARD, team_id, number)


@contextlib.asynccontextmanager
async def projecting(url: str) -> AsyncIterator[Projecting]:
    async with EventStore.open(url) as store, pool(url, name="test projector") as connections:
        yield Projecting(store, connections, url)


@contextlib.asynccontextmanager
async def progress_of(url: str) -> AsyncIterator[Bell]:
    """Rings whenever a projection moves."""
    bell = Bell(url, PROJECTED_CHANNEL)
    async with bell.listening():
        yield bell


async def until(bell: Bell, condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait, from ring to ring, for the condition to hold. Raises TimeoutError."""
    with bell.listener() as rung:
        async with asyncio.timeout(seconds):
            while not await condition():
                await rung.wait()
                rung.clear()
