"""A rebuild beside the live read model: with both at one position, their rows must be equal."""

import asyncio
import time
from typing import Any

import psycopg

from services.common.log.store import EventStore
from services.common.postgres.database import CONNECTION_LOST
from services.projector.projection import Projection
from services.projector.rebuild import RebuildResult, RebuildUnderWay, rebuild

PATIENCE_SECONDS = 60.0


class _Waits:
    """Holds the rebuild, once it has folded the log, until the live rows are as far: else it would
    find, rightly, that they lack something.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._position = 0
        self.is_level = False

    def progress(self, position: int, _: int) -> None:
        self._position = position

    def at(self, point: str) -> None:
        if point != "folded":
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        with psycopg.connect(self._url, autocommit=True) as conn:
            while not self.is_level and time.monotonic() < deadline:
                found = conn.execute(
                    "SELECT position >= %s FROM checkpoints WHERE projection = %s",
                    (self._position, self._name),
                ).fetchone()
                self.is_level = found == (True,)
                time.sleep(0.02)


async def compared(url: str, projection: Projection[Any]) -> RebuildResult | None:
    """What the rebuild had to change; None: nothing could be compared, as PostgreSQL was away, or
    the live projection stood still.
    """
    return await asyncio.to_thread(_compared, url, projection)


def _compared(url: str, projection: Projection[Any]) -> RebuildResult | None:
    waits = _Waits(url, projection.name)

    async def run() -> RebuildResult:
        async with EventStore.open(url) as store:
            return await rebuild(
                url, store, projection, on_progress=waits.progress, crash_at=waits.at
            )

    try:
        result = asyncio.run(run())
    except (*CONNECTION_LOST, RebuildUnderWay):
        return None
    return result if waits.is_level else None
