"""Drives one projection: is rung, reads the log on from its checkpoint, and says how far it is."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.events.recorded import Recorded
from services.common import tracing
from services.common.log.store import EventStore
from services.common.logs import logger
from services.common.postgres.bell import Bell
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import every
from services.projector import batch, checkpoint, metrics
from services.projector.batch import CrashAt, no_crash
from services.projector.checkpoint import ParkedStream
from services.projector.operations import whole_operations
from services.projector.projection import Entry, Projection

log = logger("recount.projector")

BATCH = 1000
POLL_SECONDS = 1.0


class ProjectionRunner:
    """One projection's place in the log, and the way on from there.

    Any number of runners in any number of processes may drive the same projection: they take turns,
    batch by batch (see `checkpoint.advance`).
    """

    def __init__(
        self,
        projection: Projection[Any],
        store: EventStore,
        pool: Pool,
        *,
        size: int = BATCH,
        crash_at: CrashAt = no_crash,
    ) -> None:
        self.projection = projection
        self._store = store
        self._pool = pool
        self._size = size
        self._crash_at = crash_at
        self._position: int | None = None

    async def run(self, bell: Bell) -> None:
        """Catch up, wait for the bell, catch up …, until cancelled."""
        with bell.listener() as rung:
            await every(POLL_SECONDS, self._catch_up_anew, rung=rung, away=CONNECTION_LOST)

    async def _catch_up_anew(self) -> None:
        try:
            await self.catch_up()
        except CONNECTION_LOST:
            # Nothing is held in memory that the database would not give again.
            self._position = None
            raise

    async def catch_up(self) -> int:
        """Apply everything the log holds beyond the checkpoint; the position reached."""
        if self._position is None:
            self._position = await self._reached()
        while entries := await whole_operations(self._store, self._position, self._size):
            await self._apply(self._position, entries)
        return self._position

    async def _apply(self, after: int, entries: Sequence[Entry]) -> None:
        began = time.time_ns()
        async with self._pool.connection() as conn:
            parked = await batch.apply(conn, self.projection, after, entries, self._crash_at)
        if parked is None:
            # Another process was faster.
            self._position = await self._reached()
            return
        self._position = entries[-1].position
        self._report(entries, parked)
        facts = (entry for entry in entries if isinstance(entry, Recorded))
        for append, entry in tracing.followed(facts, datetime.now(UTC)).items():
            name = self.projection.name
            tracing.follow_up("projection apply", append, entry, began, projection=name)

    async def _reached(self) -> int:
        async with self._pool.connection() as conn:
            return await checkpoint.reached(conn, self.projection.name)

    def _report(self, entries: Sequence[Entry], parked: Sequence[ParkedStream]) -> None:
        name, newest = self.projection.name, entries[-1]
        delay = (datetime.now(UTC) - newest.at).total_seconds()
        metrics.position.labels(name).set(newest.position)
        metrics.applied.labels(name).inc(len(entries))
        metrics.delay_seconds.labels(name).observe(max(delay, 0.0))
        log.debug(
            "projected",
            projection=name,
            position=newest.position,
            facts=len(entries),
            delay_seconds=round(delay, 4),
        )
        for stream in parked:
            log.error(
                "stream_parked",
                projection=name,
                stream_id=str(stream.stream_id),
                position=stream.position,
                fact=stream.name,
                reason=stream.reason,
            )
