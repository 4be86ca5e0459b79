"""The cache of results, in PostgreSQL: one row per project and query."""

from datetime import datetime
from typing import Any, LiteralString

import msgspec
from msgspec import Raw
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.ingest_position import BEGINNING, IngestPosition
from contracts.json import NULL
from contracts.read_models.projections import CATALOG
from services.common.insights.results.freshness import Age, ResultAge, age_of
from services.common.insights.results.kept import KeptResult, Result
from services.common.insights.results.marks import read_as
from services.common.postgres.database import Pool
from services.query.results.computation import PreparedComputation

_encoder = msgspec.json.Encoder()

# The kept result, and whether anything that it reads has moved since: a mark of records; an
# event of these names, on a day of the range; or neither, but the range ends with the clock and has
# taken in an event that lay ahead. A result that saw more than there is belongs to another stream.
# Names and days have marks of their own: late events of one name beside new ones of another may be
# taken for more than they are, which costs a computation.
_LOOK = """
    SELECT asked.now, asked.bucket, asked.visible, r.body, r.dependencies, r.clock,
        r.query_interval, r.date_from, r.date_to, r.reached, r.facts, r.started_at,
        r.last_refresh, r.cost_seconds,
        EXISTS (SELECT FROM marks m WHERE m.team_id = r.team_id
            AND m.mark = ANY(%(records)s::bigint[]) AND m.version > r.reached)
        OR (
            (%(events)s::bigint[] IS NULL OR EXISTS (SELECT FROM marks m WHERE m.team_id = r.team_id
                AND m.mark = ANY(%(events)s::bigint[]) AND m.version > r.reached))
            AND EXISTS (SELECT FROM day_marks d WHERE d.team_id = r.team_id
                AND d.day BETWEEN asked.since AND asked.until AND d.version > r.reached)
        )
        OR (
            %(date_to)s::timestamptz > r.date_to
            AND (%(events)s::bigint[] IS NULL OR EXISTS (SELECT FROM marks m
                WHERE m.team_id = r.team_id AND m.mark = ANY(%(events)s::bigint[])
                AND m.latest > r.date_to))
            AND EXISTS (SELECT FROM day_marks d WHERE d.team_id = r.team_id
                AND d.day BETWEEN (r.date_to AT TIME ZONE 'UTC')::date
                AND (%(date_to)s::timestamptz AT TIME ZONE 'UTC')::date
                AND d.latest > r.date_to)
        )
        OR r.reached > asked.visible AS moved
    FROM (
        SELECT statement_timestamp() AS now, its.bucket,
            (SELECT coalesce(max(p.reached), 0) FROM ingest_progress p
                WHERE p.bucket = its.bucket) AS visible,
            coalesce((%(since)s::timestamptz AT TIME ZONE 'UTC')::date, '-infinity') AS since,
            coalesce((%(until)s::timestamptz AT TIME ZONE 'UTC')::date, 'infinity') AS until
        FROM (
            SELECT coalesce((SELECT bucket FROM projects WHERE id = %(team_id)s), 0) AS bucket
        ) AS its
    ) AS asked
    LEFT JOIN results r
        ON r.team_id = %(team_id)s AND r.key = %(key)s AND r.settings = %(settings)s"""

_BODY = """
    SELECT body FROM results
    WHERE team_id = %(team_id)s AND key = %(key)s AND settings = %(settings)s"""

_KEPT = """
    SELECT body, started_at FROM results
    WHERE team_id = %(team_id)s AND key = %(key)s AND settings = %(settings)s"""

# Of the captured events in the project's bucket.
_VISIBLE: LiteralString = """(
    SELECT coalesce(max(reached), 0) FROM ingest_progress
    WHERE bucket = coalesce((SELECT bucket FROM projects WHERE id = %(team_id)s), 0))"""
_START: LiteralString = f"""
    SELECT clock_timestamp(), {_VISIBLE},
        coalesce((SELECT position FROM checkpoints WHERE projection = %(catalog)s), 0)"""

# How often rows were taken out of the project's bucket, to be stored again; and whether some are
# not back yet.
_RESTORED: LiteralString = """
    SELECT coalesce(sum(restorations), 0), coalesce(bool_or(restoring_to > reached), false)
    FROM ingest_progress
    WHERE bucket = coalesce((SELECT bucket FROM projects WHERE id = %(team_id)s), 0)"""

# The newer of two is the one that could see more; no clock decides. More than there is, nobody
# could see.
_PUT: LiteralString = f"""
    INSERT INTO results (
        team_id, key, settings, dependencies, clock, body, query_interval, date_from, date_to,
        reached, facts, started_at, last_refresh, cost_seconds
    )
    VALUES (
        %(team_id)s, %(key)s, %(settings)s, %(dependencies)s, %(clock)s, %(body)s, %(interval)s,
        %(date_from)s, %(date_to)s, %(reached)s, %(facts)s, %(started_at)s, clock_timestamp(),
        %(cost_seconds)s
    )
    ON CONFLICT (team_id, key) DO UPDATE SET
        settings = excluded.settings, dependencies = excluded.dependencies,
        clock = excluded.clock, body = excluded.body, query_interval = excluded.query_interval,
        date_from = excluded.date_from, date_to = excluded.date_to, reached = excluded.reached,
        facts = excluded.facts, started_at = excluded.started_at,
        last_refresh = excluded.last_refresh, cost_seconds = excluded.cost_seconds
    WHERE results.reached <= excluded.reached
        OR results.reached > {_VISIBLE}"""


class Positions(msgspec.Struct, frozen=True):
    """Positions that the caller has seen: no number may be older. events: of captured ones."""

    events: IngestPosition = BEGINNING
    facts: int = 0


NOTHING_SEEN = Positions()


class CheckedResult(msgspec.Struct, frozen=True, kw_only=True):
    """A kept result, held against a plan of now.

    is_outdated: an action, a cohort or the like has changed since.
    reached, facts: the events of the project's bucket, and the facts, that it could see.
    """

    cached: KeptResult
    is_outdated: bool
    bucket: int
    reached: int
    facts: int

    def age(self, now: datetime, seen: Positions) -> Age:
        """For a caller who has seen more than the result could, recent is not enough."""
        behind = self.reached < seen.events.within(self.bucket) or self.facts < seen.facts
        return age_of(self.cached.computed, now, current_only=behind or self.is_outdated)


class CacheLookup(msgspec.Struct, frozen=True):
    """now: by the database's clock. visible: the captured events that a computation would see.

    kept: None when nothing is, or nothing under the settings of now.
    """

    now: datetime
    visible: int
    kept: CheckedResult | None

    def age(self, seen: Positions) -> Age:
        return Age.MISSING if self.kept is None else self.kept.age(self.now, seen)


async def look(pool: Pool, team_id: int, key: bytes, prepared: PreparedComputation) -> CacheLookup:
    """Looks the query's kept result up, in one round trip."""
    inputs, range_ = prepared.inputs, prepared.range
    async with pool.connection() as conn:
        cursor = await conn.execute(
            _LOOK,
            {
                "team_id": team_id,
                "key": key,
                "settings": prepared.settings,
                "events": None if inputs.events is None else _array(inputs.events),
                "records": _array(inputs.records),
                "since": inputs.since,
                "until": inputs.until,
                "date_to": range_.date_to,
            },
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("an outer join gave no row")
    now, bucket, visible, body, *columns = row
    kept = None if body is None else _kept(prepared, bucket, body, *columns)
    return CacheLookup(now, visible, kept)


def _array(marks: frozenset[int]) -> str:
    """As PostgreSQL spells it: five times as quick as to have a list adapted."""
    return f"{{{','.join(map(str, read_as(marks)))}}}"


def _kept(
    prepared: PreparedComputation,
    bucket: int,
    body: bytes,
    dependencies: bytes,
    clock: bytes,
    interval: str | None,
    date_from: datetime | None,
    date_to: datetime | None,
    reached: int,
    facts: int,
    started_at: datetime,
    last_refresh: datetime,
    cost_seconds: float,
    moved: bool,
) -> CheckedResult:
    is_outdated = dependencies != prepared.dependencies
    same_times = clock == prepared.clock and _is_same_range(prepared, date_from, date_to)
    computed = ResultAge(
        started_at=started_at,
        last_refresh=last_refresh,
        interval=interval,
        cost_seconds=cost_seconds,
        is_current=same_times and not is_outdated and not moved,
    )
    return CheckedResult(
        cached=KeptResult(
            msgspec.json.decode(body, type=Result), computed, IngestPosition(bucket, reached)
        ),
        is_outdated=is_outdated,
        bucket=bucket,
        reached=reached,
        facts=facts,
    )


def _is_same_range(
    prepared: PreparedComputation, date_from: datetime | None, date_to: datetime | None
) -> bool:
    """An end that has moved on takes in nothing, as long as `_LOOK` says so."""
    wanted = prepared.range
    if date_to is None or wanted.date_to is None:
        return (date_from, date_to) == (wanted.date_from, wanted.date_to)
    return date_from == wanted.date_from and date_to <= wanted.date_to


async def body(pool: Pool, team_id: int, key: bytes, settings: bytes) -> Raw:
    """The results alone of what is kept; the document `null` for none."""
    async with pool.connection() as conn:
        cursor = await conn.execute(_BODY, {"team_id": team_id, "key": key, "settings": settings})
        row = await cursor.fetchone()
    return NULL if row is None else msgspec.json.decode(row[0], type=Result).results


async def kept_since(
    pool: Pool, team_id: int, key: bytes, settings: bytes
) -> tuple[Result, datetime] | None:
    """What is kept, and when its computation started; None for nothing."""
    async with pool.connection() as conn:
        cursor = await conn.execute(_KEPT, {"team_id": team_id, "key": key, "settings": settings})
        row = await cursor.fetchone()
    return None if row is None else (msgspec.json.decode(row[0], type=Result), row[1])


class EventsRestoring(Exception):
    """Captured events of the project are being stored again: numbers would be too small."""


class Start(msgspec.Struct, frozen=True):
    """When a computation started. reached, facts: what of the captured events of the project's
    bucket was visible then, and of the facts about actions and cohorts. restorations: see
    `require_undisturbed`.
    """

    at: datetime
    reached: int
    facts: int
    restorations: int


async def start(pool: Pool, team_id: int) -> Start:
    """Before anything is read for it: what comes later may be missing in the result.

    Raises EventsRestoring.
    """
    async with pool.connection() as conn, conn.pipeline():
        cursor = await conn.execute(_START, {"team_id": team_id, "catalog": CATALOG})
        restored = await conn.execute(_RESTORED, {"team_id": team_id})
        row, restoring = await cursor.fetchone(), await restored.fetchone()
    if row is None or restoring is None:
        raise RuntimeError("a SELECT without FROM gave no row")
    restorations, is_restoring = restoring
    if is_restoring:
        raise EventsRestoring
    at, reached, facts = row
    return Start(at, reached, facts, int(restorations))


async def require_undisturbed(conn: AsyncConnection[TupleRow], team_id: int, start: Start) -> None:
    """Raises EventsRestoring where events were missing at a moment since the start."""
    row = await (await conn.execute(_RESTORED, {"team_id": team_id})).fetchone()
    if row is None or int(row[0]) != start.restorations:
        raise EventsRestoring


async def put(
    conn: AsyncConnection[TupleRow],
    team_id: int,
    key: bytes,
    result: Result,
    prepared: PreparedComputation,
    start: Start,
    cost_seconds: float,
) -> None:
    """Keep it, unless what is kept could see more."""
    values: dict[str, Any] = {
        "team_id": team_id,
        "key": key,
        "settings": prepared.settings,
        "dependencies": prepared.dependencies,
        "clock": prepared.clock,
        "body": _encoder.encode(result),
        "interval": prepared.range.interval,
        "date_from": prepared.range.date_from,
        "date_to": prepared.range.date_to,
        "reached": start.reached,
        "facts": start.facts,
        "started_at": start.at,
        "cost_seconds": cost_seconds,
    }
    await conn.execute(_PUT, values)
