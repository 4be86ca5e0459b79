"""The auditor's tables: how far it is, and what it found. It alone writes them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import args_row

from contracts.codec import encode_event
from contracts.events.audit import RowHealed
from contracts.events.streams import StreamKind
from services.projector.auditor.comparing import RowKey
from services.projector.auditor.history import Broken
from services.projector.checkpoint import Connection

SHARES = 256

_PROVED: LiteralString = """
    INSERT INTO audit_projects AS known (team_id, proved_through, proved_at)
    SELECT *, now() FROM unnest(%(teams)s::bigint[], %(sequences)s::bigint[])
    ON CONFLICT (team_id) DO UPDATE
    SET proved_through = greatest(known.proved_through, excluded.proved_through),
        proved_at = excluded.proved_at"""

_COUNTED: LiteralString = """
    INSERT INTO audit_projects AS known (
        team_id, next_entries, next_operations, next_missing, next_holds
    )
    SELECT * FROM unnest(
        %(teams)s::bigint[], %(entries)s::bigint[], %(operations)s::bigint[], %(missing)s::bigint[],
        %(holds)s::bigint[]
    )
    ON CONFLICT (team_id) DO UPDATE
    SET next_entries = known.next_entries + excluded.next_entries,
        next_operations = known.next_operations + excluded.next_operations,
        next_missing = known.next_missing + excluded.next_missing,
        next_holds = known.next_holds + excluded.next_holds"""

_ROUND: LiteralString = """
    UPDATE audit_projects
    SET entries = next_entries, operations = next_operations, missing = next_missing,
        holds = next_holds,
        next_entries = 0, next_operations = 0, next_missing = 0, next_holds = 0"""

_START_OVER: LiteralString = """
    UPDATE audit_projects
    SET next_entries = 0, next_operations = 0, next_missing = 0, next_holds = 0"""

_READS: LiteralString = """
    INSERT INTO audit_projects AS known (team_id, reads_through) VALUES (%s, %s)
    ON CONFLICT (team_id) DO UPDATE
    SET reads_through = greatest(known.reads_through, excluded.reads_through)"""

_BROKEN_READS: LiteralString = """
    UPDATE audit_projects SET reads_broken = found.number
    FROM audit_projects AS every
    LEFT JOIN unnest(%(teams)s::bigint[], %(numbers)s::bigint[]) AS found (team_id, number)
        USING (team_id)
    WHERE audit_projects.team_id = every.team_id
        AND audit_projects.reads_broken IS DISTINCT FROM found.number"""

_FOUND: LiteralString = """
    WITH new AS (
        INSERT INTO audit_findings AS known (projection, row_key, team_id)
        SELECT %(projection)s, * FROM unnest(%(keys)s::text[], %(teams)s::bigint[])
        ON CONFLICT (projection, row_key) DO UPDATE SET seen_at = now()
        RETURNING team_id, xmax = 0 AS is_new
    ), counted AS (
        INSERT INTO audit_projects AS known (team_id, found)
        SELECT team_id, count(*) FROM new WHERE is_new GROUP BY team_id
        ON CONFLICT (team_id) DO UPDATE SET found = known.found + excluded.found
    )
    SELECT count(*) FROM new WHERE is_new"""

_HEALED: LiteralString = """
    WITH gone AS (
        DELETE FROM audit_findings
        WHERE projection = %(projection)s AND row_key = ANY(%(keys)s)
        RETURNING team_id
    )
    UPDATE audit_projects AS known SET healed = healed + counted.rows
    FROM (SELECT team_id, count(*) AS rows FROM gone GROUP BY team_id) AS counted
    WHERE known.team_id = counted.team_id"""

# A row can name a project that there is none of; nobody's history tells of that.
_TELL: LiteralString = """
    INSERT INTO to_tell (id, team_id, kind, number, fact)
    SELECT %(id)s, %(team_id)s, %(kind)s, 0, %(fact)s
    WHERE EXISTS (SELECT FROM log_heads WHERE team_id = %(team_id)s)"""


class AuditState(msgspec.Struct, frozen=True):
    """after: the stream proved last. unhealed: rows found to differ. broken: see `Broken`."""

    after: UUID
    round_at: datetime
    unhealed: int
    broken: str | None


class Entries(msgspec.Struct):
    """Of one project, so far in this round: rows of activity, operations, those without one, and
    holds in force.
    """

    entries: int = 0
    operations: int = 0
    missing: int = 0
    holds: int = 0


async def state(conn: Connection) -> AuditState:
    cursor = conn.cursor(row_factory=args_row(AuditState))
    await cursor.execute(
        "SELECT after_stream, round_at, (SELECT count(*) FROM audit_findings), broken"
        " FROM audit_state"
    )
    found = await cursor.fetchone()
    if found is None:
        raise LookupError("the auditor has no state")
    return found


async def set_pace(conn: Connection, facts_per_second: int) -> None:
    """For those who ask; 0: it is off."""
    await conn.execute("UPDATE audit_state SET facts_per_second = %s", (facts_per_second,))


async def proved_history(conn: Connection, sequences: Mapping[int, int]) -> None:
    await conn.execute(_PROVED, {"teams": list(sequences), "sequences": list(sequences.values())})


async def set_broken(conn: Connection, broken: Broken | None) -> bool:
    """Whether that is new."""
    told = broken and f"project {broken.team_id}, position {broken.position}: {broken.reason}"
    moved = await conn.execute(
        "UPDATE audit_state SET broken = %(told)s, broken_team = %(team_id)s"
        " WHERE broken IS DISTINCT FROM %(told)s",
        {"told": told, "team_id": broken and broken.team_id},
    )
    return moved.rowcount > 0


async def proved_streams(conn: Connection, last: UUID, began: Collection[int]) -> None:
    """began: the shares of all streams, by the first byte of their ids, that were begun."""
    await conn.execute("UPDATE audit_state SET after_stream = %s", (last,))
    await conn.execute(
        "UPDATE audit_shares SET proved_at = now() WHERE share = ANY(%s)", (list(began),)
    )


async def count(conn: Connection, counted: Mapping[int, Entries]) -> None:
    await conn.execute(
        _COUNTED,
        {
            "teams": list(counted),
            "entries": [one.entries for one in counted.values()],
            "operations": [one.operations for one in counted.values()],
            "missing": [one.missing for one in counted.values()],
            "holds": [one.holds for one in counted.values()],
        },
    )


async def start_over(conn: Connection) -> None:
    """The round under way begins again."""
    async with conn.transaction():
        await conn.execute("UPDATE audit_state SET after_stream = %s", (UUID(int=0),))
        await conn.execute(_START_OVER)


async def ended_round(conn: Connection) -> None:
    """The shares behind the last stream are proved, too: they have none. Erased entries are few,
    and have an index.
    """
    await conn.execute(
        "UPDATE audit_projects AS known SET erased = gone.entries FROM ("
        "SELECT team_id, count(*) AS entries FROM log WHERE salt = '' GROUP BY team_id"
        ") AS gone WHERE known.team_id = gone.team_id"
    )
    last = await conn.execute("SELECT get_byte(uuid_send(after_stream), 0) FROM audit_state")
    (share,) = await last.fetchone() or (0,)
    await conn.execute("UPDATE audit_shares SET proved_at = now() WHERE share > %s", (share,))
    await conn.execute("UPDATE audit_state SET after_stream = %s, round_at = now()", (UUID(int=0),))
    await conn.execute(_ROUND)


async def found(conn: Connection, projection: str, rows: Sequence[RowKey]) -> int:
    """Remember rows that differ; how many were not known to."""
    values = {
        "projection": projection,
        "keys": [row.key for row in rows],
        "teams": [row.team_id for row in rows],
    }
    (new,) = await (await conn.execute(_FOUND, values)).fetchone() or (0,)
    return int(new)


async def seen_before(conn: Connection, moment: datetime) -> Mapping[str, Sequence[RowKey]]:
    """Findings, by projection, that were not made again since then: others have righted them."""
    cursor = await conn.execute(
        "SELECT projection, row_key, team_id FROM audit_findings WHERE seen_at < %s", (moment,)
    )
    found: dict[str, list[RowKey]] = {}
    for projection, key, team_id in await cursor.fetchall():
        found.setdefault(projection, []).append(RowKey(key, team_id))
    return found


async def healed(conn: Connection, projection: str, position: int, rows: Sequence[RowKey]) -> None:
    """In the transaction that rights them: so each is told once, whoever dies when."""
    await conn.execute(_HEALED, {"projection": projection, "keys": [row.key for row in rows]})
    async with conn.cursor() as cursor:
        await cursor.executemany(
            _TELL,
            [
                {
                    "id": uuid4(),
                    "team_id": row.team_id,
                    "kind": StreamKind.AUDIT.value,
                    "fact": encode_event(
                        RowHealed(projection=projection, key=row.key, position=position)
                    ).decode(),
                }
                for row in rows
            ],
        )


async def proved_reads_through(conn: Connection, team_id: int, number: int) -> None:
    await conn.execute(_READS, (team_id, number))


async def broken_reads(conn: Connection, first: Mapping[int, int]) -> None:
    """first: project -> the first number under its first seal that does not hold; of all others,
    every seal does. Their reads up to there are proved, and none beyond.
    """
    values = {"teams": list(first), "numbers": list(first.values())}
    await conn.execute(_BROKEN_READS, values)


async def broken_reads_of(conn: Connection, team_id: int, number: int) -> None:
    """Found under way, and told at once."""
    await conn.execute(_READS, (team_id, 0))
    await conn.execute(
        "UPDATE audit_projects SET reads_broken = %(number)s,"
        " reads_through = least(reads_through, %(number)s - 1) WHERE team_id = %(team_id)s",
        {"team_id": team_id, "number": number},
    )


async def oldest_proof(conn: Connection) -> float | None:
    """Its age in seconds; None: not all streams have been proved yet."""
    row = await (
        await conn.execute(
            "SELECT CASE WHEN count(*) = count(proved_at)"
            " THEN extract(epoch FROM now() - min(proved_at))::float8 END FROM audit_shares"
        )
    ).fetchone()
    return None if row is None else row[0]
