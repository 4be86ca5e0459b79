"""The places that an erasure goes through, and how each is done. Safe to repeat, all of them.

A place returns how much went, or None while it has to wait for somebody else.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import LiteralString
from uuid import uuid4

import msgspec
from nats.aio.client import Client

from contracts.chain import PAYLOAD_ERASED
from contracts.codec import decode_event
from contracts.events.audit import PayloadErased
from contracts.events.recorded import Actor
from contracts.events.streams import erasure_stream
from contracts.read_models.erasure import ErasureRow
from contracts.read_models.projections import PROOFS
from contracts.subjects import FACTS_STREAM
from domain.erasure.view import view
from services.command.audit.looking import Look, Looking
from services.common.log.erasing import Erasure, Meanwhile, erase, erase_reads
from services.common.log.store import EventStore
from services.common.postgres import erasures
from services.common.postgres.database import Pool
from services.common.postgres.erasures import ErasureTask, Place
from services.common.stream import ask_jetstream

Work = Callable[[ErasureTask], Awaitable[int | None]]
EraseUser = Callable[[int, Actor], Awaitable[None]]

# Entries in one transaction: the log waits for so many at the most.
CHUNK = 500
READS_AT_ONCE = 2_000
ANSWERS_UNTIL = timedelta(seconds=20)
"""A webhook that was sent before the erasure has been answered by then."""

# JetStream's errors: no such stream; no message there (any more).
_NO_STREAM = frozenset({10059})
_NO_MESSAGE = frozenset({10037, 10057})

_ERASED: LiteralString = """
    SELECT notification_id, originator_id FROM log
    WHERE team_id = %s AND team_seq = ANY(%s) ORDER BY 1"""
# The trees of hashes have no rows that an erasure could change.
_REACHED: LiteralString = "SELECT min(position) FROM checkpoints WHERE projection <> %s"
_PROJECT: LiteralString = """
    UPDATE projects SET
        name = CASE WHEN strpos(lower(name), %(text)s) > 0 THEN '[erased]' ELSE name END,
        test_account_filters = CASE
            WHEN strpos(lower(test_account_filters::text), %(text)s) > 0 THEN '[]'
            ELSE test_account_filters END
    WHERE id = %(team_id)s AND (strpos(lower(name), %(text)s) > 0
        OR strpos(lower(test_account_filters::text), %(text)s) > 0)"""
_IS_SETTLED: LiteralString = """
    SELECT NOT EXISTS (
            SELECT FROM webhook_pending JOIN webhook_ids ON webhook_ids.id = webhook_id
            WHERE team_id = %(team_id)s AND sequence = ANY(%(sequences)s)
        ) OR coalesce(max(recorded_at) < now() - %(age)s, true)
    FROM log WHERE originator_id = %(stream)s"""
_ANSWERS: LiteralString = """
    UPDATE webhook_attempts SET response = NULL
    WHERE webhook_id IN (SELECT id FROM webhook_ids WHERE team_id = %(team_id)s)
        AND response IS NOT NULL
        AND (sequence = ANY(%(sequences)s) OR strpos(lower(response), %(text)s) > 0)"""
_JOBS: LiteralString = "DELETE FROM jobs WHERE team_id = %s"
_RESULTS: LiteralString = "DELETE FROM results WHERE team_id = %s"
_USER: LiteralString = """
    UPDATE users SET first_name = '', last_name = '', is_email_verified = false,
        email = 'erased-' || id || '@erased.invalid', distinct_id = 'erased-' || id
    WHERE id = %s AND distinct_id <> 'erased-' || id"""
_LABELS: LiteralString = "UPDATE personal_api_keys SET label = '[erased]' WHERE user_id = %s"
_LINKS: LiteralString = """
    DELETE FROM login_links
    WHERE key_id IN (SELECT id FROM personal_api_keys WHERE user_id = %s)"""

# A read that was answered before the keys died is in its table by then.
_LONG_GONE: LiteralString = """
    SELECT done_at < now() - %s FROM erasure_steps WHERE erasure_id = %s AND place = 'user'"""
_UNSEALED: LiteralString = "SELECT 1 FROM reads WHERE user_id = %s AND number IS NULL LIMIT 1"
_READ_IN: LiteralString = "SELECT DISTINCT team_id FROM reads WHERE user_id = %s ORDER BY 1"
_READS_OF: LiteralString = """
    SELECT number FROM reads WHERE team_id = %s AND user_id = %s AND number IS NOT NULL
    ORDER BY number LIMIT %s"""
_CHAINS: LiteralString = "SELECT id FROM projects UNION ALL SELECT chain FROM organizations"
_TOLD_OF_READS: LiteralString = """
    SELECT state FROM log WHERE originator_id = ANY(%s) AND topic = 'audit.payload_erased.v1'"""


class Held(Exception):
    """A hold was placed after the request."""


class Places:
    """bus: in the account of the streams. prefix: of the public stream's name.

    erase_user: revokes a user's keys, and says in the organization's chain who is gone.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        database_url: str,
        bus: Client,
        erase_user: EraseUser,
        *,
        prefix: str = "",
        answers_until: timedelta = ANSWERS_UNTIL,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._database_url = database_url
        self._bus = bus
        self._erase_user = erase_user
        self._stream = f"{prefix}{FACTS_STREAM}"
        self._answers_until = answers_until
        self._crash_at = crash_at
        self._looking = Looking(store, pool)
        self.work: Mapping[Place, Work] = {
            "log": self._log,
            "rows": self._rows,
            "stream": self._from_stream,
            "webhooks": self._answers,
            "project": self._project,
            "results": self._results,
            "user": self._user,
            "reads": self._reads,
        }
        """The places of product events are the projector's."""

    async def _log(self, task: ErasureTask) -> int:
        """Raises Held, UnreadableEntry."""
        subject = task.subject
        while left := await self._looking.again(task.team_id, task.kind, subject):
            hold = await self._looking.held_by(task.team_id, Look(task.kind, subject, left))
            if hold is not None:
                raise Held(f"hold {hold.hold_id} keeps it")
            try:
                erasure = _erasure(task, task.team_id)
                await erase(self._database_url, erasure, left[:CHUNK], self._crash_at)
            except Meanwhile:
                continue
        return len((await self._row(task)).entries)

    async def _rows(self, task: ErasureTask) -> int | None:
        """Every projection has folded the streams again. How many streams."""
        told = await self._told(task)
        async with self._pool.connection() as conn:
            (reached,) = await (await conn.execute(_REACHED, (PROOFS,))).fetchone() or (0,)
            erased = await self._erased(task)
        return len({stream for _, stream in erased}) if reached >= told else None

    async def _from_stream(self, task: ErasureTask) -> int | None:
        """Once the fact itself is published, so are the entries: nobody publishes them later.

        A stream that is not there, or is made anew, gets what is left of them.
        """
        told, erased = await self._told(task), await self._erased(task)
        if not erased:
            return 0
        info = await ask_jetstream(self._bus, f"STREAM.INFO.{self._stream}", {}, _NO_STREAM)
        if "state" not in info:
            return 0
        if int(info["state"]["last_seq"]) < told:
            return None
        gone = 0
        for position, _ in erased:
            asked = {"seq": position, "no_erase": False}
            subject = f"STREAM.MSG.DELETE.{self._stream}"
            answer = await ask_jetstream(self._bus, subject, asked, _NO_MESSAGE)
            gone += bool(answer.get("success"))
            self._crash_at("message deleted")
        return gone

    async def _answers(self, task: ErasureTask) -> int | None:
        """What receivers answered, once no answer to what was sent before can come any more."""
        text = task.subject.text
        asked = {
            "team_id": task.team_id,
            "stream": erasure_stream(task.team_id, task.id).id,
            "age": self._answers_until,
            "sequences": [entry.sequence for entry in (await self._row(task)).entries],
            "text": None if text is None else text.lower(),
        }
        async with self._pool.connection() as conn:
            settled = await (await conn.execute(_IS_SETTLED, asked)).fetchone()
            if settled != (True,):
                return None
            return (await conn.execute(_ANSWERS, asked)).rowcount

    async def _project(self, task: ErasureTask) -> int:
        async with self._pool.connection() as conn:
            asked = {"team_id": task.team_id, "text": (task.subject.text or "").lower()}
            return (await conn.execute(_PROJECT, asked)).rowcount

    async def _results(self, task: ErasureTask) -> int:
        """The jobs first, by themselves: one that is still at work finds that it is gone, and keeps
        nothing.
        """
        async with self._pool.connection() as conn:
            await conn.execute(_JOBS, (task.team_id,))
            return (await conn.execute(_RESULTS, (task.team_id,))).rowcount

    async def _user(self, task: ErasureTask) -> int:
        user_id = task.subject.user or 0
        hold = await self._looking.held_by(task.team_id, Look("user", task.subject, ()))
        if hold is not None:
            raise Held(f"hold {hold.hold_id} keeps it")
        await self._erase_user(user_id, _actor(task))
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute(_LINKS, (user_id,))
            await conn.execute(_LABELS, (user_id,))
            await conn.execute(_USER, (user_id,))
        return 1

    async def _reads(self, task: ErasureTask) -> int | None:
        """In every chain where the user has read, once all that was read before is sealed."""
        user_id = task.subject.user or 0
        async with self._pool.connection() as conn:
            asked = (self._answers_until, task.id)
            row = await (await conn.execute(_LONG_GONE, asked)).fetchone()
            unsealed = await (await conn.execute(_UNSEALED, (user_id,))).fetchone()
            if row != (True,) or unsealed is not None:
                return None
            teams = await (await conn.execute(_READ_IN, (user_id,))).fetchall()
        for (team_id,) in teams:
            while numbers := await self._numbers(team_id, user_id):
                with contextlib.suppress(Meanwhile):
                    erasure = _erasure(task, team_id)
                    await erase_reads(self._database_url, erasure, user_id, numbers)
        return await self._erased_reads(task)

    async def _numbers(self, team_id: int, user_id: int) -> list[int]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_READS_OF, (team_id, user_id, READS_AT_ONCE))
            return [number for (number,) in await cursor.fetchall()]

    async def _erased_reads(self, task: ErasureTask) -> int:
        """How many facts of this erasure, in whatever chain, tell of."""
        async with self._pool.connection() as conn:
            chains = await (await conn.execute(_CHAINS)).fetchall()
            streams = [erasure_stream(chain, task.id).id for (chain,) in chains]
            payloads = await (await conn.execute(_TOLD_OF_READS, (streams,))).fetchall()
        events = (decode_event(PAYLOAD_ERASED, payload) for (payload,) in payloads)
        return sum(
            last - first + 1
            for event in events
            if isinstance(event, PayloadErased)
            for first, last in event.reads
        )

    async def _row(self, task: ErasureTask) -> ErasureRow:
        row = view(await self._store.load(erasure_stream(task.team_id, task.id)))
        if row is None:
            raise LookupError(f"the log has no erasure {task.id}")
        return row

    async def _told(self, task: ErasureTask) -> int:
        """The position of its last fact."""
        past = await self._store.load(erasure_stream(task.team_id, task.id))
        return past[-1].position

    async def _erased(self, task: ErasureTask) -> list[tuple[int, object]]:
        """Positions and streams of its entries."""
        sequences = [entry.sequence for entry in (await self._row(task)).entries]
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_ERASED, (task.team_id, sequences))
            return await cursor.fetchall()


def _actor(task: ErasureTask) -> Actor:
    actor: Actor = msgspec.json.decode(task.actor, type=Actor)
    return actor


def _erasure(task: ErasureTask, team_id: int) -> Erasure:
    """A new operation, of whoever asked for it."""
    return Erasure(
        team_id=team_id,
        number=task.id,
        actor=_actor(task),
        operation_id=uuid4(),
        correlation_id=task.correlation_id,
        causation_id=task.operation_id,
    )


def of_product_events(place: Place) -> bool:
    return place in erasures.OF_PRODUCT_EVENTS
