"""Signs what the trees have grown to: a checkpoint of each, at most one a second.

One process signs at a time. A tree is signed only if it begins with the one that was signed before:
a log that was rewritten behind everybody's back gets no signature of ours.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import LiteralString

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.rows import args_row

from contracts.merkle import HASH_BYTES, joined
from contracts.notes import Checkpoint, Note, signed
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.proofs import tree
from services.common.proofs.origins import project_origin
from services.common.proofs.tree import NotInTree
from services.common.tasks import every
from services.projector.checkpoint import Connection
from services.projector.proofs import metrics
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.log_keys import SigningKeys, signing_keys

log = logger("recount.proofs")

SIGN_SECONDS = 1.0
THIN_SECONDS = 60.0
AT_ONCE = 1000

_ALONE: LiteralString = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended('recount checkpoints', 0))"
)

_GROWN: LiteralString = """
    SELECT edge.team_id, edge.size, edge.nodes, signed.size, signed.root,
        extract(epoch FROM now() - signed.at)::float8
    FROM tree_edges AS edge
    LEFT JOIN LATERAL (
        SELECT size, root, at FROM signed_checkpoints
        WHERE team_id = edge.team_id ORDER BY size DESC LIMIT 1
    ) AS signed ON true
    WHERE edge.size IS DISTINCT FROM signed.size
        AND (signed.at IS NULL OR signed.at <= now() - %s)
    ORDER BY edge.team_id LIMIT %s"""

_SIGN: LiteralString = """
    INSERT INTO signed_checkpoints (team_id, size, root, note)
    VALUES (%(team_id)s, %(size)s, %(root)s, %(note)s)"""

# The last of each hour stays, and what somebody refers to.
_THIN: LiteralString = """
    DELETE FROM signed_checkpoints AS old
    WHERE at < now() - interval '1 hour' AND NOT kept AND EXISTS (
        SELECT FROM signed_checkpoints AS later
        WHERE later.team_id = old.team_id AND later.size > old.size
            AND date_trunc('hour', later.at) = date_trunc('hour', old.at)
    )"""


class GrownEdge(msgspec.Struct, frozen=True):
    """A tree that is not as it was signed. signed_size, signed_root, waiting: None: never was.

    waiting: seconds since.
    """

    team_id: int
    size: int
    nodes: bytes
    signed_size: int | None
    signed_root: bytes | None
    waiting: float | None

    @property
    def root(self) -> bytes:
        places = range(0, len(self.nodes), HASH_BYTES)
        return joined([self.nodes[place : place + HASH_BYTES] for place in places])


class Signer:
    """origin: the beginning of each checkpoint's. files: the keys; None: there are none.

    crash_at: told "looked", "signed" and "committed" as each is reached, for crash tests.
    missing_key: why nothing is signed. refused: project -> why its tree is not signed.
    """

    def __init__(
        self,
        pool: Pool,
        origin: str,
        files: KeyFiles | None,
        *,
        apart: timedelta = timedelta(seconds=SIGN_SECONDS),
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._pool = pool
        self._origin = origin
        self._files = files
        self._apart = apart
        self._crash_at = crash_at
        self._looked = False
        self.missing_key: str | None = None
        self.refused: dict[int, str] = {}

    async def run(self) -> None:
        """Until cancelled. Looks again soon: a checkpoint is a second behind, not two."""
        await every(SIGN_SECONDS / 4, self.sign, away=CONNECTION_LOST)

    async def thin(self) -> None:
        """Until cancelled."""

        async def once() -> None:
            async with self._pool.connection() as conn:
                await thin(conn)

        await every(THIN_SECONDS, once, away=CONNECTION_LOST)

    async def sign(self) -> None:
        """A checkpoint of each tree that has grown, if nobody else is at it."""
        async with self._pool.connection() as conn, conn.transaction():
            (alone,) = await (await conn.execute(_ALONE)).fetchone() or (False,)
            if not alone:
                return
            grown = await self._grown(conn)
            if not grown and self._looked and self.missing_key is None:
                return
            keys = await signing_keys(conn, self._files)
            self.missing_key, self._looked = keys.missing, True
            self._crash_at("looked")
            for edge in grown:
                await self._sign(conn, edge, keys)
            self._crash_at("signed")
        self._crash_at("committed")
        unsigned = [edge.waiting or 0.0 for edge in grown if edge.team_id in self.refused]
        metrics.checkpoint_age.set(max(unsigned, default=0.0))

    async def _grown(self, conn: Connection) -> list[GrownEdge]:
        cursor = conn.cursor(row_factory=args_row(GrownEdge), binary=True)
        await cursor.execute(_GROWN, (self._apart, AT_ONCE))
        return await cursor.fetchall()

    async def _sign(self, conn: Connection, edge: GrownEdge, keys: SigningKeys) -> None:
        why = await self._why_not(edge)
        if why is not None:
            if self.refused.get(edge.team_id) != why:
                log.critical("tree_not_signed", project=edge.team_id, reason=why)
            self.refused[edge.team_id] = why
            return
        self.refused.pop(edge.team_id, None)
        origin = project_origin(self._origin, edge.team_id)
        checkpoint = Checkpoint(origin, edge.size, edge.root)
        note = signed_by(checkpoint, keys.keys).whole
        row = {"team_id": edge.team_id, "size": edge.size, "root": edge.root, "note": note}
        await conn.execute(_SIGN, row)

    async def _why_not(self, edge: GrownEdge) -> str | None:
        """Why this tree is not the one that was signed, grown; None: it is."""
        if edge.signed_size is None:
            return None
        if edge.size < edge.signed_size:
            return f"{edge.signed_size} entries were signed, and {edge.size} are left"
        try:
            before = await tree.root(self._pool, edge.team_id, edge.signed_size)
        except NotInTree as cause:
            return str(cause)
        if before != edge.signed_root:
            return f"the first {edge.signed_size} entries are not those that were signed"
        return None


def signed_by(checkpoint: Checkpoint, keys: Sequence[Ed25519PrivateKey]) -> Note:
    """The checkpoint as a note; without keys it has no signature."""
    text = checkpoint.text
    return Note(text, tuple(signed(text, checkpoint.origin, key) for key in keys))


async def thin(conn: Connection) -> None:
    """What is older than an hour is thinned to one an hour."""
    await conn.execute(_THIN)
