"""A subscriber's cursor held against the log of its project: one rule for every transport."""

from typing import LiteralString

from contracts.chain import BEGINNING, Link
from contracts.cursors import NOW, link_text, parse_cursor
from services.common.postgres.database import Pool

_STANDING: LiteralString = """
    SELECT head.seq, head.hash, log.hash
    FROM log_heads AS head
    LEFT JOIN log ON log.team_id = head.team_id AND log.team_seq = %(sequence)s
    WHERE head.team_id = %(team_id)s"""
_LINK: LiteralString = """
    SELECT team_seq, hash FROM log WHERE team_id = %(team_id)s AND team_seq = %(sequence)s"""

# PostgreSQL's largest: a cursor beyond it is beyond every head.
_LARGEST = 2**63 - 1


class CursorAhead(Exception):
    """Beyond the head: this log is an older copy than the one that the subscriber knows."""

    def __init__(self, head: Link) -> None:
        super().__init__(f"the head is {link_text(head)}")
        self.head = head


class CursorElsewhere(Exception):
    """Another hash at that sequence: the history has been forked."""

    def __init__(self, link: Link) -> None:
        super().__init__(f"entry {link.team_seq} has the hash {link.hash.hex()}")
        self.link = link


class CursorGone(Exception):
    """Below the first entry that this transport still has. after: the cursor."""

    def __init__(self, after: str, first: Link) -> None:
        super().__init__(f"{after} is below the first that is kept, {link_text(first)}")
        self.after = after
        self.first = first


async def check_cursor(pool: Pool, team_id: int, after: str, first: int = 1) -> Link:
    """The place in the project's chain that the cursor names: `0`, `now`, and what is in between.

    first: the sequence of the first entry that is kept.
    Raises MalformedCursor, CursorAhead, CursorElsewhere, CursorGone.
    """
    cursor = None if after == NOW else parse_cursor(after)
    sequence = 0 if cursor is None else cursor.sequence
    head, at = await _standing(pool, team_id, sequence)
    if cursor is None:
        return head
    if at is None:
        raise CursorAhead(head)
    if cursor.hash_prefix is not None and not at.hash.hex().startswith(cursor.hash_prefix):
        raise CursorElsewhere(at)
    if sequence + 1 < first:
        raise CursorGone(after, await project_link(pool, team_id, first) or head)
    return at


async def project_head(pool: Pool, team_id: int) -> Link:
    """The end of the project's chain; BEGINNING while it has no facts."""
    head, _ = await _standing(pool, team_id, 0)
    return head


async def project_link(pool: Pool, team_id: int, sequence: int) -> Link | None:
    """The place in the chain of one entry; None: there is none."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        await cursor.execute(_LINK, {"team_id": team_id, "sequence": sequence})
        row = await cursor.fetchone()
    return None if row is None else Link(*row)


async def _standing(pool: Pool, team_id: int, sequence: int) -> tuple[Link, Link | None]:
    """The head, and the place of this entry; None: there is none."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        asked = {"team_id": team_id, "sequence": min(sequence, _LARGEST)}
        await cursor.execute(_STANDING, asked)
        row = await cursor.fetchone()
    if row is None:
        return BEGINNING, BEGINNING if sequence == 0 else None
    number, head, at = row
    if sequence == 0:
        return Link(number, head), BEGINNING
    return Link(number, head), None if at is None else Link(sequence, at)
