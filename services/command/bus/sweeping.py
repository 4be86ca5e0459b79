"""The sweep: every message's hash against the log's, so that one that can't be read is found.

Once after every start, so that what was damaged meanwhile is found then, and once a day. One
process at a time; whoever goes on after a kill begins where that one was, and goes round.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from services.command.bus import rows
from services.command.bus.facts_bus import AWAY, SWEEPING, FactsBus, alone
from services.command.bus.messages import stored_message, stored_messages
from services.common.log.positions import PositionHash, hashes
from services.common.logs import logger
from services.common.stream import first_fact_kept
from services.common.tasks import every

log = logger("recount.sweep")

AGAIN_AFTER = timedelta(days=1)
# Facts of a kilobyte or so; their bodies come with the headers.
MOST_AT_ONCE = 500
# How soon a process notices that it is its turn.
LOOK_SECONDS = 2.0
PAUSE_SECONDS = 0.2


class Sweep:
    """Compares the public stream with the log, so many messages a second; 0: never.

    whole_up_to: the last position that is published; None while the stream is not whole, as it is
    being made anew or not the log's.
    found: called when a hole was found and written down.
    position: all up to there was looked at, by this process or another one.
    crash_at: told "swept" after each batch, for crash tests.
    """

    def __init__(
        self,
        bus: FactsBus,
        whole_up_to: Callable[[], int | None],
        found: Callable[[], None],
        *,
        per_second: int,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.position = 0
        self._bus = bus
        self._whole_up_to = whole_up_to
        self._found = found
        self._per_second = per_second
        self._crash_at = crash_at
        self._since: datetime | None = None
        self._reconnects = 0

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away."""
        if self._per_second:
            await every(LOOK_SECONDS, self._sweep_if_due, away=AWAY, pause=PAUSE_SECONDS)

    async def _sweep_if_due(self) -> None:
        if self._since is None or self._reconnects != self._bus.client.stats["reconnects"]:
            # A server that was away may have lost something meanwhile, as one that was stopped.
            self._reconnects = self._bus.client.stats["reconnects"]
            self._since = await rows.database_time(self._bus)
        while self._whole_up_to() is None:  # noqa: ASYNC110  # only the relay knows
            await asyncio.sleep(PAUSE_SECONDS)
        if await rows.is_sweep_due(self._bus, self._since, AGAIN_AFTER):
            async with alone(self._bus, SWEEPING) as ours:
                if ours and await rows.is_sweep_due(self._bus, self._since, AGAIN_AFTER):
                    await self._go_round()
        if (row := await rows.stream_row(self._bus)) is not None:
            self.position = row.swept

    async def _go_round(self) -> None:
        """From where the last one ended or was killed to the end, then from the beginning."""
        end = self._whole_up_to()
        row = await rows.stream_row(self._bus)
        if end is None or row is None:
            return
        begin = row.swept if row.swept < end else 0
        if not await self._sweep(begin, end) or not await self._sweep(0, begin):
            return
        self.position = end
        await rows.swept_whole(self._bus, end)
        log.info("stream_swept", stream=self._bus.name, position=end)

    async def _sweep(self, after: int, up_to: int) -> bool:
        """Whether all of them are there, as they are in the log."""
        after = max(after, await first_fact_kept(self._bus.client, self._bus.prefix) - 1)
        while after < up_to:
            if self._whole_up_to() is None:
                return False
            began = time.monotonic()
            count = min(self._per_second, MOST_AT_ONCE, up_to - after)
            entries = await hashes(self._bus.pool, after, count)
            if not entries:
                return False
            if missing := await self._missing(entries):
                await self._tell(missing)
                return False
            after = self.position = entries[-1].position
            await rows.swept_to(self._bus, after)
            self._crash_at("swept")
            took = time.monotonic() - began
            await asyncio.sleep(max(len(entries) / self._per_second - took, 0))
        return True

    async def _missing(self, entries: list[PositionHash]) -> list[int]:
        """The positions that have no message, or another one."""
        first, last = entries[0].position, entries[-1].position
        messages = await stored_messages(self._bus.client, self._bus.name, first, last)
        found = {message.sequence: message.hash for message in messages}
        missing = [
            entry.position
            for entry in entries
            if not (entry.erased and entry.position not in found)
            and found.get(entry.position) != entry.hash.hex()
        ]
        if not missing:
            return []
        # Trimmed meanwhile; or the server that answered is behind the one that leads.
        kept = await first_fact_kept(self._bus.client, self._bus.prefix)
        hash_of = {entry.position: entry.hash.hex() for entry in entries}
        confirmed = []
        for position in missing:
            if position < kept:
                continue
            message = await stored_message(self._bus.client, self._bus.name, position)
            if message is None or message.hash != hash_of[position]:
                confirmed.append(position)
        return confirmed

    async def _tell(self, missing: list[int]) -> None:
        log.error("stream_hole_found", stream=self._bus.name, position=missing[0])
        await rows.found_hole(self._bus, len(missing), missing[0])
        self._found()
