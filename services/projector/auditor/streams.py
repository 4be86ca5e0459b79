"""Proves streams: folds them again beside the live rows, and rights those that differ."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import IntegrityError, IsolationLevel
from psycopg.sql import SQL, Identifier

from contracts.events.streams import StreamKind
from contracts.read_models import projections
from services.common.log.stream_facts import KnownStream, erased_since
from services.common.logs import logger
from services.projector import batch, checkpoint
from services.projector.auditor import metrics, state
from services.projector.auditor.comparing import NEW, RowKey, asked, differing, put_right, values_of
from services.projector.auditor.history import Broken, unproved
from services.projector.auditor.shadow import Fold, Pace, Shadow
from services.projector.auditor.state import Entries
from services.projector.batch import CrashAt
from services.projector.projection import AtFact, Projection

log = logger("recount.auditor")

Wrong = Mapping[Projection[Any], Sequence[RowKey]]


async def no_pace(facts: int) -> None:
    """As fast as it goes: somebody waits."""


class StreamProofs:
    """crash_at: told "held", "righted" and "healed" as a repair reaches them."""

    def __init__(self, shadow: Shadow, crash_at: CrashAt) -> None:
        self._shadow = shadow
        self._crash_at = crash_at
        # What could not be righted because another wrong row is in the way.
        self._blocked: dict[Projection[Any], dict[UUID, KnownStream]] = {}

    async def compare(self, streams: Sequence[KnownStream], pace: Pace) -> Wrong:
        """In the caller's transaction, which sees all of it in one moment."""
        wrong: dict[Projection[Any], Sequence[RowKey]] = {}
        await self._compare(streams, self._shadow.projections, pace, wrong)
        return wrong

    async def _compare(
        self,
        streams: Sequence[KnownStream],
        among: Sequence[Projection[Any]],
        pace: Pace,
        wrong: dict[Projection[Any], Sequence[RowKey]],
    ) -> None:
        try:
            async with self._shadow.conn.transaction():
                wrong.update(await self._differing(streams, among, pace))
        except batch.REFUSED as refused:
            # By itself, only what is at fault stays unproved.
            if len(streams) > 1:
                for stream in streams:
                    await self._compare([stream], among, pace, wrong)
            elif len(among) > 1:
                for projection in among:
                    await self._compare(streams, [projection], pace, wrong)
            else:
                log.warning(
                    "stream_unproved",
                    projection=among[0].name,
                    stream_id=str(streams[0].id),
                    reason=str(refused),
                )

    async def _differing(
        self, streams: Sequence[KnownStream], among: Sequence[Projection[Any]], pace: Pace
    ) -> Wrong:
        conn, home = self._shadow.conn, self._shadow.home
        standings = {each: await self._shadow.standing(each) for each in among}
        # Where an erasure is not applied yet, rows still show what the log does not say any more.
        current = {
            each: standing
            for each, standing in standings.items()
            if not await erased_since(conn, standing.position)
        }
        folds = await self._shadow.fold(current, streams, pace)
        wrong = {}
        for projection, fold in folds.items():
            if rows := await differing(conn, home, projection.tables, fold.streams):
                wrong[projection] = rows
                new = await state.found(conn, projection.name, rows)
                metrics.divergent_rows.inc(new)
            if projection.name == projections.ACTIVITY:
                await state.count(conn, await self._entries(projection, fold))
        return wrong

    async def _entries(self, activity: Projection[Any], fold: Fold) -> Mapping[int, Entries]:
        """Entries against operations: these are counted in the log, and not by the fold."""
        conn, home = self._shadow.conn, self._shadow.home
        counted: dict[int, Entries] = {}
        own = {stream.id for stream in fold.streams}
        operations = Counter(
            team_id for team_id, _, stream_id, _ in fold.operations if stream_id in own
        )
        for team_id, number in operations.items():
            counted.setdefault(team_id, Entries()).operations = number
        for table in activity.tables:
            if not isinstance(table.source, AtFact):
                continue
            cursor = await conn.execute(
                SQL(
                    "SELECT team_id, count(*), count(*) FILTER (WHERE id IN ("
                    "SELECT id FROM {new})) FROM {live} AS live WHERE {asked} GROUP BY team_id"
                ).format(
                    new=Identifier(NEW, table.name),
                    live=Identifier(home, table.name),
                    asked=asked(home, table, SQL("live")),
                ),
                values_of(fold.streams),
            )
            for team_id, entries, explained in await cursor.fetchall():
                one = counted.setdefault(team_id, Entries())
                one.entries += entries
                one.missing -= explained
        for one in counted.values():
            one.missing += one.operations
        for stream in fold.streams:
            # Placed, and not lifted.
            if stream.kind == StreamKind.HOLD and stream.length == 1:
                counted.setdefault(stream.team_id, Entries()).holds += 1
        return counted

    async def heal(
        self, projection: Projection[Any], streams: Iterable[KnownStream], found: Sequence[RowKey]
    ) -> Broken | None:
        """Write anew the rows of these streams that are not as the log tells them, and tell of it:
        together, or neither. Gives what of the log does not verify; then nothing is done.
        """
        waiting = self._blocked.pop(projection, {}) | {stream.id: stream for stream in streams}
        await self._shadow.conn.set_isolation_level(IsolationLevel.READ_COMMITTED)
        try:
            async with self._shadow.conn.transaction():
                return await self._heal(projection, list(waiting.values()), found)
        except IntegrityError:
            # Found as this round goes on, and then both are righted.
            self._blocked[projection] = waiting
            return None

    async def _heal(
        self, projection: Projection[Any], streams: Sequence[KnownStream], found: Sequence[RowKey]
    ) -> Broken | None:
        conn, home = self._shadow.conn, self._shadow.home
        standing = await self._shadow.standing(projection, hold=True)
        self._crash_at("held")
        folds = await self._shadow.fold({projection: standing}, streams, no_pace)
        fold = folds[projection]
        if await erased_since(conn, standing.position):
            return None
        own = {stream.id for stream in fold.streams}
        teams = {stream.team_id for stream in fold.streams}
        if (broken := await unproved(conn, own | fold.context, teams)) is not None:
            return broken
        righted = await put_right(conn, home, projection.tables, fold.streams)
        self._crash_at("righted")
        metrics.divergent_rows.inc(await state.found(conn, projection.name, righted))
        rows = list({row.key: row for row in (*found, *righted)}.values())
        await healed(conn, projection, standing.position, rows)
        self._crash_at("healed")
        return None


async def healed(
    conn: checkpoint.Connection,
    projection: Projection[Any],
    position: int,
    rows: Sequence[RowKey],
) -> None:
    """The end of a repair: it is told, and who remembers rows reads them anew."""
    await state.healed(conn, projection.name, position, rows)
    await conn.execute(
        "UPDATE checkpoints SET rebuilds = rebuilds + 1 WHERE projection = %s", (projection.name,)
    )
    await checkpoint.ring(conn, projection.name)
    for row in rows:
        log.error("row_healed", projection=projection.name, row=row.key, project=row.team_id)
