"""Does the erasures that were asked for, place by place, whoever dies when.

One process does an erasure at a time. A place that fails stops it, until somebody resumes it.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import nats.errors
from nats.js.errors import Error as JetStreamError
from prometheus_client import Gauge

from contracts.events.audit import ErasureState
from contracts.events.recorded import SystemActor
from contracts.events.streams import erasure_stream
from domain.erasure.commands import CompleteErasure
from domain.erasure.decide import decide
from domain.erasure.view import view
from domain.errors import ConcurrentEdit
from services.command.audit.places import Places, of_product_events
from services.command.audit.remains import receipt_told
from services.common.log.erasing import CommitInDoubt
from services.common.log.store import (
    Append,
    AppendPart,
    EventStore,
    LogUnavailable,
    OutcomeUnknown,
)
from services.common.logs import logger
from services.common.postgres import erasures
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.postgres.erasures import LOCK, ErasureTask
from services.common.stream import StreamUnavailable
from services.common.tasks import describe, every

log = logger("recount.erasures")

ERASURES = Gauge("recount_erasures", "Erasures that were asked for, by their state.", ["state"])
_STATES = ("requested", "logical", "physical", "failed")

LOOK_SECONDS = 0.5
# A request that drew a number appends within seconds, or never.
NEVER_ASKED = timedelta(minutes=10)
AWAY = (
    *(LogUnavailable, OutcomeUnknown, CommitInDoubt, *CONNECTION_LOST),
    *(StreamUnavailable, nats.errors.Error, JetStreamError, TimeoutError, OSError),
)


class Erasing:
    """crash_at: told each place as it is done, before that is written down, and what it does
    inside; for crash tests.
    """

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        places: Places,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._places = places
        self._crash_at = crash_at

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away."""
        await every(LOOK_SECONDS, self.go_on, away=AWAY)

    async def go_on(self) -> None:
        """Every erasure as far as it can go now."""
        for task in await erasures.waiting(self._pool):
            async with self._alone(task.id) as ours:
                if ours and await self._was_asked(task):
                    await self._one(task)
        await self._count()

    async def _was_asked(self, task: ErasureTask) -> bool:
        """A row is made before its request is in the log: who died in between asked nothing."""
        if task.asked:
            return True
        if await self._store.load(erasure_stream(task.team_id, task.id)):
            await erasures.asked(self._pool, task.id)
            return True
        if datetime.now(UTC) - task.made_at > NEVER_ASKED:
            await erasures.forget(self._pool, task.id)
        return False

    async def _one(self, task: ErasureTask) -> None:
        while (place := await erasures.next_place(self._pool, task.id)) is not None:
            if of_product_events(place):
                return
            try:
                count = await self._places.work[place](task)
            except AWAY:
                raise
            except Exception as cause:
                log.error("erasure_failed", erasure=task.id, place=place, cause=describe(cause))
                await erasures.failed(self._pool, task.id, place, describe(cause))
                return
            if count is None:
                return
            self._crash_at(place)
            async with self._pool.connection() as conn:
                await erasures.done(conn, task.id, place, count)
        await reach(self._store, self._pool, task, "logical", await self._counts(task))
        log.info("erased", erasure=task.id, state="logical")

    async def _counts(self, task: ErasureTask) -> Mapping[str, int]:
        return {step.place: step.count for step in await erasures.steps(self._pool, task.id)}

    async def _count(self) -> None:
        known = await erasures.states(self._pool)
        for state in _STATES:
            ERASURES.labels(state).set(known.get(state, 0))

    @contextlib.asynccontextmanager
    async def _alone(self, number: int) -> AsyncIterator[bool]:
        """Whether the block has the erasure for itself; it goes with a process that dies."""
        async with self._pool.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "SELECT pg_try_advisory_xact_lock(%s, %s)", (LOCK, number % 2**31)
            )
            yield await cursor.fetchone() == (True,)


async def reach(
    store: EventStore,
    pool: Pool,
    task: ErasureTask,
    state: ErasureState,
    counts: Mapping[str, int],
) -> None:
    """The log tells it first; then what the erasure was about is forgotten."""
    stream = erasure_stream(task.team_id, task.id)
    while True:
        past = await store.load(stream)
        facts = tuple(decide(CompleteErasure(state, counts), view(past)))
        if not facts:
            break
        append = Append(
            parts=(AppendPart(stream, len(past), facts),),
            actor=SystemActor(),
            operation_id=uuid4(),
            correlation_id=task.correlation_id,
            causation_id=task.operation_id,
        )
        with contextlib.suppress(ConcurrentEdit):
            await store.append(append)
    row = view(await store.load(stream))
    if row is None:
        raise LookupError(f"the log has no erasure {task.id}")
    await erasures.reached(pool, task.id, state, receipt_told(task.kind, row))
