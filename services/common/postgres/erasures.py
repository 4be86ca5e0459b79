"""The tables of erasures under way: what is to go, and how far it has gone.

The command service makes them and does most places; the projector does those of product events.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import args_row

from services.common.postgres.database import Pool

Connection = AsyncConnection[tuple[Any, ...]]

Kind = Literal["entries", "text", "user", "person"]
Place = Literal[
    "log", "rows", "stream", "webhooks", "project", "user", "reads",
    "events", "persons", "capture", "results",
]  # fmt: skip
"""stream: the public one. project: its plain row. user: of Recount. events, persons, capture: of
product events. results: with their jobs.
"""

# Results last: they are made of what the places before them hold.
PLACES: Mapping[Kind, tuple[Place, ...]] = {
    "entries": ("log", "rows", "stream", "webhooks", "results"),
    "text": ("log", "project", "rows", "stream", "webhooks", "results"),
    "user": ("user", "reads"),
    "person": ("log", "rows", "stream", "webhooks", "events", "persons", "capture", "results"),
}
OF_PRODUCT_EVENTS: tuple[Place, ...] = ("events", "persons", "capture")

# Advisory locks of this kind; the second number is the erasure's.
LOCK = 7_210_361

_COLUMNS: LiteralString = """
    id, team_id, kind, subject, actor, operation_id, correlation_id, asked, state, failed_place,
    failed_reason, made_at, receipt"""


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to go. person_ids, distinct_ids: all that the person was known by."""

    entries: tuple[int, ...] = ()
    text: str | None = None
    user: int | None = None
    person: str | None = None
    person_ids: tuple[UUID, ...] = ()
    distinct_ids: tuple[str, ...] = ()


class ErasureTask(msgspec.Struct, frozen=True):
    """A row of `erasures`, its columns in their order."""

    id: int
    team_id: int
    kind: Kind
    subject_text: str | None
    actor: str
    operation_id: UUID
    correlation_id: UUID
    asked: bool
    state: Literal["requested", "logical", "physical"]
    failed_place: str | None
    failed_reason: str | None
    made_at: datetime
    receipt: str | None

    @property
    def subject(self) -> Subject:
        """Raises ValueError once it is gone."""
        if self.subject_text is None:
            raise ValueError(f"what erasure {self.id} was about is gone")
        return msgspec.json.decode(self.subject_text, type=Subject)


class Step(msgspec.Struct, frozen=True):
    place: Place
    count: int
    done_at: datetime | None


async def make(
    pool: Pool,
    team_id: int,
    kind: Kind,
    subject: Subject,
    actor: str,
    operation_id: UUID,
    correlation_id: UUID,
) -> int:
    """A row that the log does not know yet; its number."""
    async with pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            "INSERT INTO erasures (team_id, kind, subject, actor, operation_id, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            (
                team_id,
                kind,
                msgspec.json.encode(subject).decode(),
                actor,
                operation_id,
                correlation_id,
            ),
        )
        (number,) = await cursor.fetchone() or (0,)
        await conn.execute(
            "INSERT INTO erasure_steps (erasure_id, number, place)"
            " SELECT %s, number, place FROM unnest(%s::text[]) WITH ORDINALITY AS"
            " step (place, number)",
            (number, list(PLACES[kind])),
        )
    return int(number)


async def asked(pool: Pool, number: int) -> None:
    """The log has the request."""
    async with pool.connection() as conn:
        await conn.execute("UPDATE erasures SET asked = true WHERE id = %s", (number,))


async def forget(pool: Pool, number: int) -> None:
    """The log has no such request, and will have none."""
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM erasures WHERE id = %s AND NOT asked", (number,))


async def waiting(pool: Pool) -> Sequence[ErasureTask]:
    """Those that are not logical yet, and did not fail; the oldest first."""
    return await _tasks(
        pool, "WHERE state = 'requested' AND failed_place IS NULL ORDER BY id LIMIT 100", ()
    )


async def of_project(pool: Pool, team_id: int) -> Sequence[ErasureTask]:
    """The newest first."""
    return await _tasks(pool, "WHERE team_id = %s AND asked ORDER BY id DESC", (team_id,))


async def one(pool: Pool, number: int) -> ErasureTask | None:
    found = await _tasks(pool, "WHERE id = %s", (number,))
    return found[0] if found else None


async def steps(pool: Pool, number: int) -> Sequence[Step]:
    """In their order."""
    async with pool.connection() as conn:
        cursor = await conn.cursor(row_factory=args_row(Step)).execute(
            "SELECT place, count, done_at FROM erasure_steps WHERE erasure_id = %s"
            " ORDER BY erasure_steps.number",
            (number,),
        )
        return await cursor.fetchall()


async def next_place(pool: Pool, number: int) -> Place | None:
    """The first that is not done; None: all are."""
    return next((each.place for each in await steps(pool, number) if each.done_at is None), None)


async def done(conn: Connection, number: int, place: Place, count: int) -> None:
    await conn.execute(
        "UPDATE erasure_steps SET count = %s, done_at = now()"
        " WHERE erasure_id = %s AND place = %s AND done_at IS NULL",
        (count, number, place),
    )


async def failed(pool: Pool, number: int, place: str, reason: str) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE erasures SET failed_place = %s, failed_reason = %s WHERE id = %s",
            (place, reason, number),
        )


async def resume(pool: Pool, number: int) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE erasures SET failed_place = NULL, failed_reason = NULL WHERE id = %s", (number,)
        )


async def reached(
    pool: Pool, number: int, state: Literal["logical", "physical"], told: bytes
) -> None:
    """What it was about is gone from here, too. told: what its receipt says, as JSON."""
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE erasures SET state = %s, subject = NULL, told = %s, receipt = NULL"
            " WHERE id = %s",
            (state, told.decode(), number),
        )


async def states(pool: Pool) -> Mapping[str, int]:
    """How many erasures are in each state."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT CASE WHEN failed_place IS NULL THEN state ELSE 'failed' END, count(*)"
            " FROM erasures WHERE asked GROUP BY 1"
        )
        return dict(await cursor.fetchall())


async def _tasks(
    pool: Pool, where: LiteralString, values: tuple[object, ...]
) -> Sequence[ErasureTask]:
    async with pool.connection() as conn:
        cursor = await conn.cursor(row_factory=args_row(ErasureTask)).execute(
            f"SELECT {_COLUMNS} FROM erasures {where}", values
        )
        return await cursor.fetchall()
