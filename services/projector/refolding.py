"""What was erased goes out of the rows: those of the streams that had it are folded again.

It happens in the batch that has the facts of the erasure, so that a projection's rows are without
it as soon as its checkpoint is past them; and at the same place when the projection is rebuilt.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import LiteralString

from psycopg.rows import args_row

from contracts.events.audit import PayloadErased
from contracts.events.recorded import Recorded
from services.projector.checkpoint import Connection
from services.projector.operations import by_operation
from services.projector.projection import Entry, ErasedFrom

_PLACES: LiteralString = """
    SELECT DISTINCT log.team_id, log.originator_id,
        coalesce(subject, subject_of_before(originator_id), ''), split_part(log.topic, '.', 1)
    FROM log JOIN unnest(%s::bigint[], %s::bigint[]) AS told (team_id, team_seq)
        USING (team_id, team_seq)"""


def is_erasure(entry: Entry) -> bool:
    """Whether it tells of an entry of the log that was erased."""
    return (
        isinstance(entry, Recorded)
        and isinstance(entry.event, PayloadErased)
        and entry.event.sequence is not None
    )


def cut(entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
    """The entries in groups: operations that erase and follow each other, and what stands between
    them. No operation is in two.
    """
    for _, operations in groupby(by_operation(entries), key=erases):
        yield [entry for operation in operations for entry in operation]


def erases(operation: Sequence[Entry]) -> bool:
    return any(is_erasure(entry) for entry in operation)


async def erased_from(conn: Connection, entries: Sequence[Entry]) -> list[ErasedFrom]:
    """The streams that these erasures tell of."""
    told = [
        (entry.team_id, entry.event.sequence)
        for entry in entries
        if isinstance(entry, Recorded)
        and isinstance(entry.event, PayloadErased)
        and entry.event.sequence is not None
    ]
    teams, sequences = zip(*told, strict=True)
    async with conn.cursor(row_factory=args_row(ErasedFrom)) as cursor:
        await cursor.execute(_PLACES, (list(teams), list(sequences)))
        return await cursor.fetchall()
