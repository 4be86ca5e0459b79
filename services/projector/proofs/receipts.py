"""Receipts of erasures, signed by the key that signs the log's checkpoints.

recount/6b1c…/1
erasure 3
{"state":"logical","entries":[{"sequence":510,"type":"insight.renamed.v1",…}],…}

— recount/6b1c…/1 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDe…
"""

from typing import LiteralString

from contracts.notes import Note, signed
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.proofs.origins import project_origin
from services.common.tasks import every
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.log_keys import signing_keys

LOOK_SECONDS = 1.0
AT_ONCE = 100

_UNSIGNED: LiteralString = """
    SELECT id, team_id, told FROM erasures WHERE told IS NOT NULL AND receipt IS NULL
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"""
_SIGN: LiteralString = "UPDATE erasures SET receipt = %s WHERE id = %s"


class Receipts:
    """origin: of the installation; a chain's is below it."""

    def __init__(self, pool: Pool, origin: str, files: KeyFiles | None) -> None:
        self._pool = pool
        self._origin = origin
        self._files = files

    async def run(self) -> None:
        """Until cancelled."""
        await every(LOOK_SECONDS, self.sign, away=CONNECTION_LOST)

    async def sign(self) -> None:
        """Those that are not signed yet. Without a key they stay so."""
        async with self._pool.connection() as conn, conn.transaction():
            unsigned = await (await conn.execute(_UNSIGNED, (AT_ONCE,))).fetchall()
            if not unsigned:
                return
            keys = await signing_keys(conn, self._files)
            if not keys.keys:
                return
            for number, team_id, told in unsigned:
                origin = project_origin(self._origin, team_id)
                text = f"{origin}\nerasure {number}\n{told}\n"
                note = Note(text, tuple(signed(text, origin, key) for key in keys.keys))
                await conn.execute(_SIGN, (note.whole, number))
