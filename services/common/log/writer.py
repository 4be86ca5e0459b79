"""Group commit: one task writes whatever appends are waiting, each with an answer of its own."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.common import tracing
from services.common.log import append_spans, metrics
from services.common.log.append_spans import WaitingAppend
from services.common.log.appends import (
    AppendedFacts,
    LogUnavailable,
    LogUnverified,
    OutcomeUnknown,
)
from services.common.log.judging import Judgement, PreparedAppend
from services.common.log.transaction import CommitInDoubt, LogTransaction
from services.common.postgres.database import CONNECTION_LOST, NOTICED
from services.common.postgres.grouped import all_here
from services.common.tasks import watched

MOST_APPENDS = 256
PATIENCE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

# A writer that hangs between lock and commit must not hang the others. Plans are kept: the
# statements are index look-ups whatever the arrays hold.
_OPTIONS = (
    "-c timezone=UTC",
    "-c synchronous_commit=on",
    "-c plan_cache_mode=force_generic_plan",
    "-c idle_in_transaction_session_timeout=5s",
)
_SESSION: dict[str, Any] = {**NOTICED, "options": " ".join(_OPTIONS)}


class QueuedAppend(WaitingAppend, frozen=True):
    """An append in the queue."""

    answer: asyncio.Future[AppendedFacts]


class LogWriter:
    """Takes what is here, at most MOST_APPENDS at a time, and never waits for more to come.

    Any number of writers in any number of processes may share one log: the table lock orders them.
    """

    def __init__(
        self,
        url: str,
        transaction: LogTransaction,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._url = url
        self._transaction = transaction
        self._patience_seconds = patience_seconds
        self._queue: deque[QueuedAppend] = deque()
        self._bell = asyncio.Event()
        self._closing = False
        self._conn: AsyncConnection[TupleRow] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = watched("log writer", self._run())

    async def append(self, prepared: PreparedAppend) -> AppendedFacts:
        """The answer, once it is durable. The facts of a cancelled caller may still be written.

        Raises ConcurrentEdit, RankLost, ReceiptExists, LogUnavailable (LogUnverified among it) and
        OutcomeUnknown.
        """
        if self._closing or self._task is None or self._task.done():
            raise LogUnavailable("the log's writer is closed")
        answer: asyncio.Future[AppendedFacts] = asyncio.get_running_loop().create_future()
        request = tracing.request_place.get()
        self._queue.append(QueuedAppend(prepared, request, monotonic(), answer))
        self._bell.set()
        return await answer

    async def close(self) -> None:
        """Write what waits, then stop. Raises what ended the task, if it did not end well."""
        self._closing = True
        self._bell.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while batch := await self._take():
                await self._write(batch)
        finally:
            self._closing = True
            await self._disconnect()
            _fail(self._queue, LogUnavailable("the log's writer has stopped"))

    async def _take(self) -> list[QueuedAppend]:
        """The queued appends in order, cancelled callers' left out; empty only when closing."""
        while True:
            await all_here()
            batch: list[QueuedAppend] = []
            while self._queue and len(batch) < MOST_APPENDS:
                waiting = self._queue.popleft()
                if not waiting.answer.done():
                    batch.append(waiting)
            if batch or self._closing:
                return batch
            self._bell.clear()
            await self._bell.wait()

    async def _write(self, batch: Sequence[QueuedAppend]) -> None:
        """Every caller in the batch is answered when this returns."""
        try:
            judgement = await self._persist(batch)
        except (LogUnavailable, OutcomeUnknown) as cause:
            _fail(batch, cause)
        except psycopg.Error as cause:
            await self._disconnect()
            if len(batch) == 1:
                _fail(batch, cause)
                return
            # Something in it is refused by the server itself: let only that one hear of it.
            for waiting in batch:
                await self._write([waiting])
        except BaseException as cause:
            _fail(batch, LogUnavailable(f"the log's writer has stopped: {cause!r}"))
            raise
        else:
            _answer(batch, judgement)

    async def _persist(self, batch: Sequence[QueuedAppend]) -> Judgement:
        """Write through lost connections. Safe: no attempt begins while another is in doubt."""
        prepared = [waiting.prepared for waiting in batch]
        deadline = batch[0].since + self._patience_seconds
        doubtful: Judgement | None = None
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                conn = await self._connected()
                if doubtful is not None:
                    if await self._transaction.stands(conn, doubtful):
                        return doubtful
                    doubtful = None
                return await self._transaction.write(conn, prepared)
            except CommitInDoubt as doubt:
                doubtful, cause = doubt.judgement, doubt.__cause__
            except LogUnverified as unverified:
                if doubtful is None:
                    # At once, as numbers that wait here may be among those that are put back.
                    raise
                cause = unverified
            except CONNECTION_LOST as lost:
                cause = lost
            await self._disconnect()
            if monotonic() + pause > deadline:
                raise _given_up(doubtful) from cause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _connected(self) -> AsyncConnection[TupleRow]:
        if self._conn is None:
            self._conn = await AsyncConnection.connect(self._url, autocommit=True, **_SESSION)
        return self._conn

    async def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.close()


def _given_up(doubtful: Judgement | None) -> LogUnavailable | OutcomeUnknown:
    if doubtful is None:
        return LogUnavailable("PostgreSQL did not come back in time; nothing was appended")
    return OutcomeUnknown("PostgreSQL did not come back in time to say what was committed")


def _answer(batch: Sequence[QueuedAppend], judgement: Judgement) -> None:
    now = monotonic()
    metrics.batch_appends.observe(len(batch))
    append_spans.tell(batch, judgement.outcomes)
    for waiting, outcome in zip(batch, judgement.outcomes, strict=True):
        if isinstance(outcome, AppendedFacts):
            metrics.append_seconds.observe(now - waiting.since)
        else:
            metrics.refuse(outcome)
        if waiting.answer.done():
            continue
        if isinstance(outcome, AppendedFacts):
            waiting.answer.set_result(outcome)
        else:
            waiting.answer.set_exception(outcome)


def _fail(batch: Sequence[QueuedAppend] | deque[QueuedAppend], cause: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            metrics.refuse(cause)
            waiting.answer.set_exception(cause)
