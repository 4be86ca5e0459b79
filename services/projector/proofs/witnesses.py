"""Witnesses: others who see each tree grow, and say so below its checkpoints (C2SP tlog-witness).

They catch what no check of our own can: a log that was rewritten whole by somebody who has its key.
Checkpoints never wait for them.
"""

import base64
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString

import httpx
import msgspec

from contracts.notes import (
    COSIGNATURE,
    ForgedSignature,
    MalformedNote,
    Note,
    VerifierKey,
    parse_note,
    parse_signatures,
    parse_vkey,
    signers,
)
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.proofs import tree
from services.common.tasks import every
from services.projector.proofs import metrics

log = logger("recount.proofs")

LOOK_SECONDS = 1.0
# Each checkpoint that a witness names is kept for ever.
APART = timedelta(seconds=60)
AGAIN = timedelta(seconds=10)
PATIENCE_SECONDS = 10.0

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")

# A failed attempt is remembered by its time alone, so that the next one waits.
_DUE: LiteralString = """
    SELECT newest.team_id, newest.size, newest.root, newest.note, coalesce(progress.size, 0)
    FROM (
        SELECT DISTINCT ON (team_id) team_id, size, root, note FROM signed_checkpoints
        ORDER BY team_id, size DESC
    ) AS newest
    LEFT JOIN witness_progress AS progress
        ON progress.team_id = newest.team_id AND progress.witness = %(witness)s
    WHERE newest.size > coalesce(progress.size, 0)
        AND (progress.at IS NULL OR progress.at <= now() - CASE
            WHEN progress.failed THEN %(again)s ELSE %(apart)s END)
    ORDER BY newest.team_id"""

_ATTEMPTED: LiteralString = """
    INSERT INTO witness_progress (team_id, witness, size, at, failed)
    VALUES (%(team_id)s, %(witness)s, %(size)s, now(), %(failed)s)
    ON CONFLICT (team_id, witness) DO UPDATE
    SET size = excluded.size, at = excluded.at, failed = excluded.failed"""

_NOTE: LiteralString = """
    SELECT note FROM signed_checkpoints WHERE team_id = %s AND size = %s FOR UPDATE"""

_COSIGNED: LiteralString = """
    UPDATE signed_checkpoints SET note = %(note)s, witnesses = witnesses + 1, kept = true
    WHERE team_id = %(team_id)s AND size = %(size)s"""

_ALONE: LiteralString = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


class Witness(msgspec.Struct, frozen=True):
    """key: its own. url: what `/add-checkpoint` is below."""

    key: VerifierKey
    url: str


class Due(msgspec.Struct, frozen=True):
    """A checkpoint that a witness has not seen. cosigned: the size of the last that it has."""

    team_id: int
    size: int
    root: bytes
    note: str
    cosigned: int


class WitnessFailed(Exception):
    """It gave no cosignature, now."""


class HistoryRefused(Exception):
    """It has seen another history."""


def parse_witnesses(text: str) -> list[Witness]:
    """Of the setting: `<vkey> <url>;…`. Raises ValueError."""
    found = []
    for one in filter(None, (part.strip() for part in text.split(";"))):
        vkey, _, url = one.partition(" ")
        key = parse_vkey(vkey)
        if key.algorithm != COSIGNATURE or not url.strip().startswith(("https://", "http://")):
            raise ValueError(f"{one!r}: a witness is its key for cosignatures, and its URL")
        found.append(Witness(key, url.strip().rstrip("/")))
    return found


class Witnessing:
    """Asks one witness about each tree. refused: project -> why it calls this history another."""

    def __init__(
        self,
        pool: Pool,
        witness: Witness,
        *,
        apart: timedelta = APART,
        again: timedelta = AGAIN,
    ) -> None:
        self._pool = pool
        self.witness = witness
        self._pace = {"apart": apart, "again": again}
        self.refused: dict[int, str] = {}

    async def run(self) -> None:
        """Until cancelled."""
        await every(LOOK_SECONDS, self.ask, away=CONNECTION_LOST)

    async def ask(self) -> None:
        """About every tree that is due, one after the other; one process at a time."""
        async with self._pool.connection() as conn, conn.transaction():
            name = f"recount witness {self.witness.key.text}"
            (alone,) = await (await conn.execute(_ALONE, (name,))).fetchone() or (False,)
            if not alone:
                return
            async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
                for due in await self._due():
                    await self._ask(client, due)

    async def _due(self) -> Sequence[Due]:
        async with self._pool.connection() as conn, conn.cursor(binary=True) as cursor:
            await cursor.execute(_DUE, {"witness": self.witness.key.text, **self._pace})
            return [Due(*row) for row in await cursor.fetchall()]

    async def _ask(self, client: httpx.AsyncClient, due: Due) -> None:
        if not parse_note(due.note).signatures:
            return
        try:
            await self._submit(client, due, due.cosigned)
        except HistoryRefused as cause:
            if self.refused.get(due.team_id) != str(cause):
                named = {"witness": self.witness.key.name, "project": due.team_id}
                log.critical("witness_refuses", **named, reason=str(cause))
            self.refused[due.team_id] = str(cause)
            await self._failed(due)
        except (WitnessFailed, httpx.HTTPError) as cause:
            log.warning("witness_away", witness=self.witness.key.name, cause=str(cause))
            await self._failed(due)
        else:
            self.refused.pop(due.team_id, None)

    async def _failed(self, due: Due) -> None:
        metrics.witness_failures.labels(self.witness.key.name).inc()
        await self._attempted(due.team_id, due.cosigned, failed=True)

    async def _submit(
        self, client: httpx.AsyncClient, due: Due, old: int, *, told: bool = False
    ) -> None:
        """old: the size that the witness has. told: it has said so itself.

        Raises HistoryRefused, WitnessFailed, httpx.HTTPError.
        """
        answer = await client.post(
            f"{self.witness.url}/add-checkpoint", content=await self._request(due, old)
        )
        if answer.status_code == 200:
            await self._take(due, answer.text)
        elif answer.status_code == 422:
            raise HistoryRefused(f"size {old} does not lead to size {due.size}")
        elif answer.status_code == 409 and _SIZE.fullmatch(answer.content):
            has = int(answer.content)
            if has > due.size or (has == old == due.size):
                raise HistoryRefused(f"it has cosigned size {has}, this is another {due.size}")
            if told:
                raise WitnessFailed("it names another size each time")
            await self._submit(client, due, has, told=True)
        else:
            raise WitnessFailed(f"it answered {answer.status_code}")

    async def _request(self, due: Due, old: int) -> str:
        proof = []
        if 0 < old < due.size:
            proof = await tree.consistency(self._pool, due.team_id, old, due.size)
        lines = [f"old {old}", *(base64.b64encode(hash_).decode() for hash_ in proof), ""]
        return "\n".join(lines) + "\n" + due.note

    async def _take(self, due: Due, lines: str) -> None:
        """Appends its cosignatures to the note. Raises WitnessFailed when none is its."""
        note = parse_note(due.note)
        try:
            signatures = [
                one
                for one in parse_signatures(lines)
                if signers(Note(note.text, (one,)), [self.witness.key])
            ]
        except (MalformedNote, ForgedSignature) as cause:
            raise WitnessFailed(str(cause)) from cause
        if not signatures:
            raise WitnessFailed("its answer has no cosignature by its key")
        async with self._pool.connection() as conn, conn.transaction():
            place = (due.team_id, due.size)
            row = await (await conn.execute(_NOTE, place)).fetchone()
            if row is not None:
                whole = parse_note(row[0]).with_more(signatures).whole
                named = {"team_id": due.team_id, "size": due.size, "note": whole}
                await conn.execute(_COSIGNED, named)
        await self._attempted(due.team_id, due.size, failed=False)

    async def _attempted(self, team_id: int, size: int, *, failed: bool) -> None:
        row = {"team_id": team_id, "witness": self.witness.key.text, "size": size}
        async with self._pool.connection() as conn:
            await conn.execute(_ATTEMPTED, row | {"failed": failed})
