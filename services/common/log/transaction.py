"""The writer's one transaction, in two round trips: lock and look; judge; write and commit."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.chain import SALT_BYTES, Entry, Link
from services.common.log.appends import LogUnverified, Receipt
from services.common.log.judging import (
    DAWN,
    Judgement,
    LogState,
    PreparedAppend,
    StoredReceipt,
    judge,
)
from services.common.log.metrics import lock_wait_seconds
from services.common.log.recorder import LogRecorder
from services.common.postgres.database import CONNECTION_LOST

RECEIPTS_KEPT = timedelta(days=7)

# Times rise along what was written here: the last entries may have come from another log.
HEAD = """
    SELECT last.notification_id,
        coalesce((
            SELECT recorded_at FROM log WHERE origin_position IS NULL
            ORDER BY notification_id DESC LIMIT 1
        ), last.recorded_at),
        log_state.timeline IS NOT DISTINCT FROM log_timeline()
    FROM log_state LEFT JOIN LATERAL (
        SELECT notification_id, recorded_at FROM log ORDER BY notification_id DESC LIMIT 1
    ) AS last ON true"""

IS_VERIFIED = "SELECT timeline IS NOT DISTINCT FROM log_timeline() FROM log_state"

VERSIONS = """
    SELECT stream.id, head.originator_version
    FROM unnest(%s::uuid[]) AS stream (id),
    LATERAL (
        SELECT originator_version FROM log
        WHERE originator_id = stream.id
        ORDER BY originator_version DESC LIMIT 1
    ) AS head"""

LINKS = """
    SELECT team_id, seq, hash FROM log_heads WHERE team_id = ANY(%s::bigint[])"""

RECEIPTS = """
    SELECT team_id, actor, key, request_hash, status, stream_id, version, position, operation_id
    FROM receipts
    JOIN unnest(%(teams)s::bigint[], %(actors)s::text[], %(keys)s::text[])
        AS asked (team_id, actor, key) USING (team_id, actor, key)
    WHERE recorded_at > %(since)s"""

# No lock on these rows: a holder of one would hold up the log. A rank that is lost while
# the batch commits is lost after it.
LEVELS = """
    SELECT organization_id, user_id, level FROM organization_members
    JOIN unnest(%s::uuid[], %s::bigint[]) AS asked (organization_id, user_id)
        USING (organization_id, user_id)"""

# Not COPY, which needs two round trips of its own: as fast for 256 entries, and 1.4 times for one.
WRITE_ENTRIES = """
    INSERT INTO log (
        originator_id, originator_version, topic, state, notification_id, team_id, team_seq,
        recorded_at, actor, operation_id, correlation_id, causation_id, salt, commitment, hash,
        subject, origin_position
    )
    SELECT * FROM unnest(
        %b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bigint[], %b::bigint[],
        %b::bigint[], %b::timestamptz[], %b::text[], %b::uuid[], %b::uuid[], %b::uuid[],
        %b::bytea[], %b::bytea[], %b::bytea[], %b::text[], %b::bigint[]
    )"""

MOVE_LINKS = """
    INSERT INTO log_heads AS head (team_id, seq, hash, recorded_at)
    SELECT team_id, seq, hash, %(at)s
    FROM unnest(%(teams)s::bigint[], %(seqs)s::bigint[], %(hashes)s::bytea[])
        AS moved (team_id, seq, hash)
    ON CONFLICT (team_id) DO UPDATE
    SET seq = excluded.seq, hash = excluded.hash, recorded_at = excluded.recorded_at"""

# A receipt of the same key can only be one that is past its time.
WRITE_RECEIPTS = """
    INSERT INTO receipts (
        team_id, actor, key, request_hash, status, stream_id, version, position,
        operation_id, recorded_at
    )
    SELECT * FROM unnest(
        %s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::smallint[], %s::uuid[],
        %s::bigint[], %s::bigint[], %s::uuid[], %s::timestamptz[]
    )
    ON CONFLICT (team_id, actor, key) DO UPDATE
    SET request_hash = excluded.request_hash, status = excluded.status,
        stream_id = excluded.stream_id, version = excluded.version, position = excluded.position,
        operation_id = excluded.operation_id, recorded_at = excluded.recorded_at"""

ENTRY_STANDS = """
    SELECT 1 FROM log WHERE notification_id = %(position)s AND hash = %(hash)s"""

RECEIPT_STANDS = """
    SELECT 1 FROM receipts
    WHERE team_id = %(team_id)s AND actor = %(actor)s AND key = %(key)s
        AND operation_id = %(operation_id)s"""


Beside = Callable[[AsyncConnection[TupleRow]], Awaitable[None]]
"""What else one transaction changes under the log's lock, once all of its appends are accepted."""


class CommitInDoubt(Exception):
    """COMMIT was sent, and the connection broke before its answer."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(f"{len(judgement.entries)} entries")
        self.judgement = judgement


class NotCommitted(RuntimeError):
    """PostgreSQL answered COMMIT by something else: nothing of the transaction is durable."""


class LogTransaction:
    """Writes batches on one connection, which it takes in autocommit mode.

    now, salt: where time and randomness come from.
    unverified_too: a person has decided to write to a log that nobody has verified.
    crash_at: told "locked", "judged" and "committed" as each is reached, for crash tests.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        salt: Callable[[], bytes] = lambda: os.urandom(SALT_BYTES),
        crash_at: Callable[[str], None] = lambda point: None,
        *,
        unverified_too: bool = False,
    ) -> None:
        self._recorder = LogRecorder()
        self._unverified_too = unverified_too
        self._now = now
        self._salt = salt
        self._crash_at = crash_at

    async def write(
        self,
        conn: AsyncConnection[TupleRow],
        waiting: Sequence[PreparedAppend],
        beside: Beside | None = None,
    ) -> Judgement:
        """Commit what can be accepted. On any error the connection is left to be closed.

        beside: only erasing changes anything beside the append.

        Raises LogUnverified; CommitInDoubt; psycopg's OperationalError or InterfaceError when
        nothing was written; any other psycopg.Error when the server refused the whole batch.
        """
        began = monotonic()
        standing = await self._lock(conn, waiting)
        lock_wait_seconds.observe(monotonic() - began)
        self._crash_at("locked")
        judgement = judge(waiting, standing, self._now(), self._salt)
        if not judgement.writes:
            await conn.execute("ROLLBACK")
            return judgement
        if beside is not None:
            await beside(conn)
        self._crash_at("judged")
        try:
            await commit(conn, judgement)
        except CONNECTION_LOST as cause:
            raise CommitInDoubt(judgement) from cause
        self._crash_at("committed")
        return judgement

    async def stands(self, conn: AsyncConnection[TupleRow], doubtful: Judgement) -> bool:
        """Whether a batch whose COMMIT got no answer is in the log; if not, it never will be.

        The lock is what makes this final: it is granted only once the broken transaction has ended.
        Raises LogUnverified: what a standby has not got may be put back.
        """
        async with conn.transaction(), conn.cursor() as cursor:
            for statement in self._recorder.locking:
                await cursor.execute(statement)
            await cursor.execute(HEAD)
            self._check(await cursor.fetchone())
            if doubtful.entries:
                first = doubtful.entries[0]
                await cursor.execute(ENTRY_STANDS, {"position": first.position, "hash": first.hash})
            else:
                written = doubtful.receipts[0]
                await cursor.execute(
                    RECEIPT_STANDS,
                    {
                        "team_id": written.team_id,
                        "actor": written.actor,
                        "key": written.receipt.key,
                        "operation_id": written.operation_id,
                    },
                )
            return await cursor.fetchone() is not None

    async def _lock(
        self, conn: AsyncConnection[TupleRow], waiting: Sequence[PreparedAppend]
    ) -> LogState:
        """One round trip: take the lock, and see what it now protects.

        Each statement has its own snapshot, so those after the lock see every commit before it.
        """
        streams = list({part.stream_id for prepared in waiting for part in prepared.parts})
        teams = list({prepared.team_id for prepared in waiting})
        members = list(
            {(rank.organization_id, rank.user_id) for each in waiting if (rank := each.rank)}
        )
        keys = [key for prepared in waiting if (key := prepared.receipt_key) is not None]
        async with conn.pipeline():
            await conn.execute("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=True)
            for statement in self._recorder.locking:
                await conn.execute(statement, prepare=True)
            await conn.execute(self._recorder.ringing, prepare=True)
            head = await conn.execute(HEAD, prepare=True, binary=True)
            versions = await conn.execute(VERSIONS, (streams,), prepare=True, binary=True)
            links = await conn.execute(LINKS, (teams,), prepare=True, binary=True)
            levels = (
                None
                if not members
                else await conn.execute(
                    LEVELS, [list(column) for column in zip(*members, strict=True)], prepare=True
                )
            )
            receipts = None if not keys else await conn.execute(RECEIPTS, self._asked(keys))
        last = await head.fetchone()
        try:
            self._check(last)
        except LogUnverified:
            await conn.execute("ROLLBACK")
            raise
        position, at = (0, DAWN) if last is None or last[0] is None else last[:2]
        return LogState(
            position=position,
            at=at,
            versions=dict(await versions.fetchall()),
            links={team: Link(seq, hash_) for team, seq, hash_ in await links.fetchall()},
            receipts={}
            if receipts is None
            else {(row[0], row[1], row[2]): Receipt(*row[2:]) for row in await receipts.fetchall()},
            levels={}
            if levels is None
            else {(row[0], row[1]): row[2] for row in await levels.fetchall()},
        )

    def _check(self, last: TupleRow | None) -> None:
        """last: a row of HEAD. Asked under the lock, so whoever verifies the log has done it or
        has not begun.
        """
        if not self._unverified_too and (last is None or not last[2]):
            raise LogUnverified("PostgreSQL is on another timeline; nothing was appended")

    def _asked(self, keys: Sequence[tuple[int, str, str]]) -> dict[str, object]:
        teams, actors, names = zip(*dict.fromkeys(keys), strict=True)
        since = self._now() - RECEIPTS_KEPT
        return {"teams": list(teams), "actors": list(actors), "keys": list(names), "since": since}


async def commit(conn: AsyncConnection[TupleRow], judgement: Judgement) -> None:
    """One round trip: write the entries, move the projects' chains, write the receipts, commit."""
    async with conn.pipeline():
        if judgement.entries:
            await write_entries(conn, judgement.entries, judgement.moved, judgement.at)
        if judgement.receipts:
            await conn.execute(WRITE_RECEIPTS, _receipts(judgement.receipts), prepare=True)
        committed = await conn.execute("COMMIT", prepare=True)
    if committed.statusmessage != "COMMIT":
        raise NotCommitted(committed.statusmessage)


async def write_entries(
    conn: AsyncConnection[TupleRow],
    entries: Sequence[Entry],
    moved: Mapping[int, Link],
    at: datetime,
) -> None:
    """Under the lock: the entries, and where they leave the projects' chains."""
    await conn.execute(WRITE_ENTRIES, _entries(entries), prepare=True)
    await conn.execute(MOVE_LINKS, _links(moved, at), prepare=True)


def _entries(entries: Sequence[Entry]) -> list[list[object]]:
    rows = (
        (
            entry.stream_id,
            entry.version,
            entry.name,
            bytes(entry.event),
            entry.position,
            entry.team_id,
            entry.team_seq,
            entry.at,
            bytes(entry.actor).decode(),
            entry.operation_id,
            entry.correlation_id,
            entry.causation_id,
            entry.salt,
            entry.commitment,
            entry.hash,
            entry.subject,
            entry.origin_position,
        )
        for entry in entries
    )
    return [list(column) for column in zip(*rows, strict=True)]


def _links(moved: Mapping[int, Link], at: datetime) -> dict[str, object]:
    return {
        "at": at,
        "teams": list(moved),
        "seqs": [link.team_seq for link in moved.values()],
        "hashes": [link.hash for link in moved.values()],
    }


def _receipts(receipts: Sequence[StoredReceipt]) -> list[list[object]]:
    rows = (
        (
            stored.team_id,
            stored.actor,
            stored.receipt.key,
            stored.receipt.request_hash,
            stored.receipt.status,
            stored.receipt.stream_id,
            stored.receipt.version,
            stored.receipt.position,
            stored.operation_id,
            stored.at,
        )
        for stored in receipts
    )
    return [list(column) for column in zip(*rows, strict=True)]
