"""The deliverer's tables: what is pending, how far each webhook was read, what came of attempts.

All of it goes over the one connection that holds the locks of this process's webhooks. Who loses
that loses the locks, and can write nothing more that another process does not know of.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import args_row

from contracts.api.webhooks import AttemptState
from contracts.codec import encode_event
from contracts.events.streams import StreamKind
from contracts.events.webhook import Release, WebhookEvent
from contracts.read_models.webhook import WebhookRow
from services.projector.webhooks.lanes import Parking, Pending
from services.projector.webhooks.signing import SigningKey

Connection = AsyncConnection[tuple[Any, ...]]

# Advisory locks of this kind; the second number is the webhook's.
LOCK = 7_210_337
ATTEMPTS_KEPT = timedelta(days=30)

_rows = msgspec.json.Decoder(WebhookRow)

# All webhooks at once, since this is asked at every ring. See `Standing`.
_LIVE: LiteralString = """
    SELECT w.row::text,
        w.version = (
            SELECT originator_version FROM log WHERE originator_id = w.stream_id
            ORDER BY originator_version DESC LIMIT 1
        ) AND NOT EXISTS (
            SELECT FROM to_tell t
            WHERE t.team_id = w.team_id AND t.kind = 'webhook' AND t.number = w.webhook_id
                AND t.fact->>'type' = 'webhook.disabled.v1'
        ),
        coalesce((SELECT seq FROM log_heads h WHERE h.team_id = w.team_id), 0),
        EXISTS (SELECT FROM webhook_replays r WHERE r.webhook_id = w.webhook_id)
    FROM webhooks w WHERE NOT w.deleted ORDER BY w.webhook_id"""

_ADD: LiteralString = """
    INSERT INTO webhook_pending (webhook_id, replay, sequence, lane)
    SELECT %(webhook)s, %(replay)s, sequence, lane
    FROM unnest(%(sequences)s::bigint[], %(lanes)s::text[]) AS read (sequence, lane)
    ON CONFLICT DO NOTHING"""

_ATTEMPT: LiteralString = """
    INSERT INTO webhook_attempts (
        webhook_id, sequence, lane, at, duration_ms, state, status, error, response, retry_at
    ) VALUES (
        %(webhook)s, %(sequence)s, %(lane)s, %(at)s, %(duration_ms)s, %(state)s, %(status)s,
        %(error)s, %(response)s, %(retry_at)s
    ) RETURNING number"""

_FORGET: LiteralString = """
    WITH gone AS (SELECT webhook_id FROM webhooks WHERE deleted AND webhook_id = ANY(%s)),
        progress AS (DELETE FROM webhook_progress WHERE webhook_id IN (SELECT * FROM gone)),
        pending AS (DELETE FROM webhook_pending WHERE webhook_id IN (SELECT * FROM gone)),
        parked AS (DELETE FROM webhook_parked WHERE webhook_id IN (SELECT * FROM gone)),
        replays AS (DELETE FROM webhook_replays WHERE webhook_id IN (SELECT * FROM gone)),
        secrets AS (DELETE FROM webhook_secrets WHERE webhook_id IN (SELECT * FROM gone)),
        slots AS (UPDATE webhook_ids SET slot = NULL WHERE id IN (SELECT * FROM gone))
    DELETE FROM webhook_attempts WHERE webhook_id IN (SELECT * FROM gone)"""


class Standing(msgspec.Struct, frozen=True):
    """A webhook as it is now. head: the last sequence of its project's log.

    settled: the row holds all that the log tells of the webhook, and nothing waits to be told that
    stops it. So what a person has paused, or we have disabled, is seen before more is sent.
    replays: whether any is asked for.
    """

    row: WebhookRow
    settled: bool
    head: int
    replays: bool


class Moved(RuntimeError):
    """Another process has read on: this one does not have the webhook's lock any more."""


class Progress(msgspec.Struct, frozen=True):
    """failures: in a row, over all lanes. failing_since: when the first of them was."""

    read_through: int
    failures: int = 0
    failing_since: datetime | None = None


class Replay(msgspec.Struct, frozen=True):
    """Entries that are asked for again, of which all up to read_through are pending or done."""

    id: int
    read_through: int
    through: int
    types: Sequence[str]


class Parked(msgspec.Struct, frozen=True):
    parking: UUID
    at: Parking


class Spooled(msgspec.Struct, frozen=True):
    """All that the tables know of one webhook."""

    progress: Progress
    pending: Sequence[Pending]
    parked: Mapping[str, Parked]


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """A row of webhook_attempts."""

    sequence: int | None
    lane: str
    at: datetime
    duration_ms: int
    state: AttemptState
    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_at: datetime | None = None


class Keys(msgspec.Struct, frozen=True):
    """A webhook's address, and the keys that sign by the ids of its secrets."""

    url: str | None
    secrets: Mapping[int, SigningKey]


class Spool:
    """conn: in autocommit mode. One transaction at a time, for all webhooks of this process."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._turn = asyncio.Lock()

    async def lock(self, webhook_id: int) -> bool:
        """Whether the webhook is this process's now, until the connection ends."""
        async with self._turn:
            cursor = await self._conn.execute(
                "SELECT pg_try_advisory_lock(%s, %s::int)", (LOCK, webhook_id)
            )
            return bool((await cursor.fetchone() or (False,))[0])

    async def unlock(self, webhook_id: int) -> None:
        async with self._turn:
            await self._conn.execute("SELECT pg_advisory_unlock(%s, %s::int)", (LOCK, webhook_id))

    async def live(self) -> list[Standing]:
        """All webhooks that are not deleted."""
        async with self._turn:
            found = await (await self._conn.execute(_LIVE)).fetchall()
        return [Standing(_rows.decode(row), *rest) for row, *rest in found]

    async def load(self, row: WebhookRow) -> Spooled:
        """What the tables know; of a new webhook, that it begins behind its `after`."""
        webhook = row.webhook_id
        async with self._transaction() as conn:
            await conn.execute(
                "INSERT INTO webhook_progress (webhook_id, team_id, read_through)"
                " VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (webhook, row.team_id, row.after),
            )
            progress = await conn.cursor(row_factory=args_row(Progress)).execute(
                "SELECT read_through, failures, failing_since FROM webhook_progress"
                " WHERE webhook_id = %s",
                (webhook,),
            )
            known = await progress.fetchone()
            pending = await conn.execute(
                "SELECT replay, sequence, lane, attempt, not_before FROM webhook_pending"
                " WHERE webhook_id = %s ORDER BY replay, sequence",
                (webhook,),
            )
            due = await pending.fetchall()
            parked = await conn.execute(
                "SELECT lane, parking, replay, sequence FROM webhook_parked WHERE webhook_id = %s",
                (webhook,),
            )
            lanes = await parked.fetchall()
        return Spooled(
            known or Progress(row.after),
            [
                Pending(replay=each[0], sequence=each[1], lane=each[2], attempts=each[3],
                        not_before=each[4])
                for each in due
            ],
            {lane: Parked(parking, Parking(replay, seq)) for lane, parking, replay, seq in lanes},
        )  # fmt: skip

    async def read_on(
        self, webhook: int, before: int, through: int, found: Sequence[Pending]
    ) -> None:
        """Move read_through, with what became pending on the way. Raises Moved."""
        async with self._transaction() as conn:
            await self._add(conn, webhook, 0, found)
            moved = await conn.execute(
                "UPDATE webhook_progress SET read_through = %s"
                " WHERE webhook_id = %s AND read_through = %s",
                (through, webhook, before),
            )
            if moved.rowcount != 1:
                raise Moved(f"webhook {webhook} does not stand at {before}")

    async def replays(self, webhook: int) -> list[Replay]:
        async with self._turn:
            cursor = await self._conn.cursor(row_factory=args_row(Replay)).execute(
                "SELECT id, read_through, through, types FROM webhook_replays"
                " WHERE webhook_id = %s ORDER BY id",
                (webhook,),
            )
            return await cursor.fetchall()

    async def replayed(
        self, webhook: int, replay: Replay, through: int, found: Sequence[Pending]
    ) -> None:
        """The same of a replay, which ends where it was to end."""
        async with self._transaction() as conn:
            await self._add(conn, webhook, replay.id, found)
            if through >= replay.through:
                await conn.execute("DELETE FROM webhook_replays WHERE id = %s", (replay.id,))
            else:
                await conn.execute(
                    "UPDATE webhook_replays SET read_through = %s WHERE id = %s",
                    (through, replay.id),
                )

    async def keys(self, row: WebhookRow) -> Keys:
        wanted = [row.settings.address_id, *(secret.id for secret in row.secrets)]
        async with self._turn:
            cursor = await self._conn.execute(
                "SELECT id, url, secret, private_key FROM webhook_secrets WHERE id = ANY(%s)",
                (wanted,),
            )
            found = {number: rest for number, *rest in await cursor.fetchall()}
        address = found.pop(row.settings.address_id, [None])
        return Keys(
            address[0], {number: SigningKey(rest[1], rest[2]) for number, rest in found.items()}
        )

    async def record(
        self,
        row: WebhookRow,
        sent: Pending,
        attempt: Attempted,
        progress: Progress,
        *,
        later: Pending | None = None,
        parking: UUID | None = None,
        tell: WebhookEvent | None = None,
    ) -> None:
        """An attempt, and what follows from it.

        later: what the event is from now on; None: it is done. parking: its lane is parked.
        tell: what the log shall tell of it.
        """
        webhook, key = row.webhook_id, (row.webhook_id, sent.replay, sent.sequence)
        async with self._transaction() as conn:
            await self._attempt(conn, webhook, attempt)
            if later is None:
                await conn.execute(
                    "DELETE FROM webhook_pending"
                    " WHERE webhook_id = %s AND replay = %s AND sequence = %s",
                    key,
                )
            else:
                await conn.execute(
                    "UPDATE webhook_pending SET attempt = %s, not_before = %s"
                    " WHERE webhook_id = %s AND replay = %s AND sequence = %s",
                    (later.attempts, later.not_before, *key),
                )
            if parking is not None:
                await conn.execute(
                    "INSERT INTO webhook_parked (webhook_id, lane, parking, replay, sequence)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    (webhook, sent.lane, parking, sent.replay, sent.sequence),
                )
            await self._progress(conn, webhook, progress)
            if tell is not None:
                await self._tell(conn, row, tell)

    async def disable(self, row: WebhookRow, progress: Progress, tell: WebhookEvent) -> None:
        async with self._transaction() as conn:
            await self._progress(conn, row.webhook_id, progress)
            await self._tell(conn, row, tell)

    async def release(self, webhook: int, lane: str, parking: Parked, how: Release) -> None:
        """The lane is not parked any more: see `Lanes.release`."""
        key = (webhook, parking.at.replay, parking.at.sequence)
        async with self._transaction() as conn:
            await conn.execute(
                "DELETE FROM webhook_parked WHERE webhook_id = %s AND lane = %s", (webhook, lane)
            )
            if how == "skip":
                await conn.execute(
                    "DELETE FROM webhook_pending"
                    " WHERE webhook_id = %s AND replay = %s AND sequence = %s",
                    key,
                )
            else:
                await conn.execute(
                    "UPDATE webhook_pending SET attempt = 0, not_before = NULL"
                    " WHERE webhook_id = %s AND replay = %s AND sequence = %s",
                    key,
                )

    async def tests(self) -> list[tuple[UUID, int]]:
        """Those that wait to be sent, and the webhooks that they are of."""
        async with self._turn:
            cursor = await self._conn.execute(
                "SELECT id, webhook_id FROM webhook_tests WHERE attempt IS NULL ORDER BY asked_at"
            )
            return [(test, webhook) for test, webhook in await cursor.fetchall()]

    async def tested(self, test: UUID, webhook: int, attempt: Attempted) -> None:
        async with self._transaction() as conn:
            number = await self._attempt(conn, webhook, attempt)
            await conn.execute(
                "UPDATE webhook_tests SET attempt = %s WHERE id = %s", (number, test)
            )

    async def forget(self, deleted: Sequence[int]) -> None:
        """All of these webhooks, as far as they are deleted."""
        async with self._turn:
            await self._conn.execute(_FORGET, (list(deleted),))

    async def clean_up(self, now: datetime) -> None:
        """Attempts that are past their time, tests that nobody waits for, deleted webhooks."""
        async with self._turn:
            await self._conn.execute(
                "DELETE FROM webhook_attempts WHERE at <= %s", (now - ATTEMPTS_KEPT,)
            )
            await self._conn.execute(
                "DELETE FROM webhook_tests WHERE asked_at < now() - interval '1 hour'"
            )
            gone = await self._conn.execute(
                "SELECT webhook_id FROM webhook_progress JOIN webhooks USING (webhook_id)"
                " WHERE deleted"
            )
            await self._conn.execute(_FORGET, ([webhook for (webhook,) in await gone.fetchall()],))

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._turn, self._conn.transaction():
            yield self._conn

    async def _add(
        self, conn: Connection, webhook: int, replay: int, found: Sequence[Pending]
    ) -> None:
        if found:
            values = {
                "webhook": webhook,
                "replay": replay,
                "sequences": [each.sequence for each in found],
                "lanes": [each.lane for each in found],
            }
            await conn.execute(_ADD, values)

    async def _attempt(self, conn: Connection, webhook: int, attempt: Attempted) -> int:
        values = msgspec.structs.asdict(attempt) | {"webhook": webhook}
        row = await (await conn.execute(_ATTEMPT, values)).fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return int(row[0])

    async def _progress(self, conn: Connection, webhook: int, progress: Progress) -> None:
        await conn.execute(
            "UPDATE webhook_progress SET failures = %s, failing_since = %s WHERE webhook_id = %s",
            (progress.failures, progress.failing_since, webhook),
        )

    async def _tell(self, conn: Connection, row: WebhookRow, fact: WebhookEvent) -> None:
        """The command service appends it."""
        await conn.execute(
            "INSERT INTO to_tell (id, team_id, kind, number, fact) VALUES (%s, %s, %s, %s, %s)",
            (
                uuid4(),
                row.team_id,
                StreamKind.WEBHOOK.value,
                row.webhook_id,
                encode_event(fact).decode(),
            ),
        )
