"""A chain's facts as one file that verifies by itself: a head, CloudEvents, a checkpoint.

Its last entry is fixed when it begins. A payload that is erased while it is written, or was erased
by a fact that comes later, would look like an erasure that nobody told: the file ends with those
facts, each with a proof that the checkpoint's tree has it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import LiteralString
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from contracts.chain import PAYLOAD_ERASED, Entry, Erasures
from contracts.cloud_events import encode_cloud_event, event_source
from services.common.http.cutting import cut
from services.common.http.problems import Problem, Rejected
from services.common.http.read_notes import noted
from services.common.log.cursors import project_head
from services.common.log.entries import project_entries
from services.common.postgres.database import Pool
from services.common.proofs import checkpoints, tree
from services.common.proofs.checkpoints import SignedCheckpoint
from services.common.tasks import pass_over

MEDIA_TYPE = "application/x-ndjson"
# For clients that can't tell what the other one is; those that generators write, say.
TEXT = "text/plain"
PAGE = 500
# The signer is a second behind, the tree half a one.
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.1
# A client that takes nothing for so long is cut off.
STALLED_SECONDS = 60.0

_ERASURES: LiteralString = """
    SELECT team_seq FROM log
    WHERE team_id = %s AND team_seq > %s AND topic = %s ORDER BY team_seq"""

_encoder = msgspec.json.Encoder()


class ArchiveHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. after, through: sequences; it has what lies between, the second one included.

    keys: that sign its checkpoint, or did. tree: the complete subtrees of the first `after`
    entries, left to right: whoever verifies goes on from there.
    """

    recount_export: int
    origin: str
    project: int
    after: int
    through: int
    keys: list[str]
    tree: list[str]


class ErasureTold(msgspec.Struct, frozen=True):
    """A fact behind the file's end that explains an erasure in it, and its proof of inclusion."""

    event: str
    proof: list[str]


class ArchiveTail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last line. checkpoint: None before there is any fact. consistency: of the tree of
    `through` entries with the checkpoint's.
    """

    checkpoint: str | None
    consistency: list[str]
    erasures: list[ErasureTold] = []


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written. after, through: sequences."""

    pool: Pool
    installation: UUID
    team_id: int
    origin: str
    after: int
    through: int


async def signed_through(
    pool: Pool, team_id: int, through: int | None, after: int
) -> SignedCheckpoint | None:
    """A checkpoint of at least `through` entries; None: of all there are, or the newest if the
    signer does not come. Never of fewer than `after`. Gives None where there is nothing to sign.
    Raises Rejected 503.
    """
    wanted = through
    if wanted is None:
        wanted = (await project_head(pool, team_id)).team_seq
    found = await _awaited(pool, team_id, wanted)
    if found is None and through is None:
        found = await checkpoints.newest(pool, team_id)
    if wanted and (found is None or found.size < after):
        raise Rejected(
            503,
            Problem(
                type="server_error",
                code="not_signed_yet",
                detail="No checkpoint covers these entries yet.",
            ),
            headers={"Retry-After": "5"},
        )
    return found


async def written(archive: Archive) -> AsyncIterator[tuple[bytes, int]]:
    """Whole lines, and the sequence that they reach."""
    pool, team_id = archive.pool, archive.team_id
    yield await _head(archive), archive.after
    source = event_source(archive.installation, team_id)
    erasures, reached = Erasures(archive.after), archive.after
    while reached < archive.through:
        page = await project_entries(pool, team_id, reached, min(PAGE, archive.through - reached))
        if not page:
            # The log has lost them. A file without its end is found to be one.
            return
        for entry in page:
            erasures.take(entry)
        reached = page[-1].team_seq
        yield b"".join(encode_cloud_event(entry, source) + b"\n" for entry in page), reached
    yield await _tail(archive, erasures, source), reached


async def _head(archive: Archive) -> bytes:
    keys = await checkpoints.log_keys(archive.pool)
    subtrees = await tree.subtrees(archive.pool, archive.team_id, archive.after)
    head = ArchiveHead(
        recount_export=1,
        origin=archive.origin,
        project=archive.team_id,
        after=archive.after,
        through=archive.through,
        keys=[key.named(archive.origin).text for key in keys],
        tree=[node.hex() for node in subtrees],
    )
    return _encoder.encode(head) + b"\n"


async def _tail(archive: Archive, erasures: Erasures, source: str) -> bytes:
    pool, team_id = archive.pool, archive.team_id
    later = await _explaining(archive, erasures)
    covers = later[-1].team_seq if later else archive.through
    signed = await _awaited(pool, team_id, covers)
    if signed is None:
        return _encoder.encode(ArchiveTail(checkpoint=None, consistency=[])) + b"\n"
    told = []
    for entry in later:
        proof = await tree.inclusion(pool, team_id, entry.team_seq, signed.size)
        event = encode_cloud_event(entry, source).decode()
        told.append(ErasureTold(event, [node.hex() for node in proof]))
    proof = []
    if archive.through:
        proof = await tree.consistency(pool, team_id, archive.through, signed.size)
    tail = ArchiveTail(
        checkpoint=signed.note, consistency=[node.hex() for node in proof], erasures=told
    )
    return _encoder.encode(tail) + b"\n"


async def _explaining(archive: Archive, erasures: Erasures) -> list[Entry]:
    """The facts behind the file's end that tell of erasures in it."""
    if erasures.unexplained() is None:
        return []
    async with archive.pool.connection() as conn:
        cursor = await conn.execute(_ERASURES, (archive.team_id, archive.through, PAYLOAD_ERASED))
        sequences = [sequence for (sequence,) in await cursor.fetchall()]
    found = []
    for sequence in sequences:
        for entry in await project_entries(archive.pool, archive.team_id, sequence - 1, 1):
            erasures.take(entry)
            found.append(entry)
    return found


async def _awaited(pool: Pool, team_id: int, size: int) -> SignedCheckpoint | None:
    """The first checkpoint of so many entries; None: it does not come."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while size:
        found = await checkpoints.first_from(pool, team_id, size)
        if found is not None or asyncio.get_running_loop().time() > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)
    return None


class ArchiveAnswer(ASGIResponse):
    """Sent as it is read: as fast as the client takes it, and no faster. as_text: it was asked for
    as plain text.
    """

    _should_set_content_length = False

    def __init__(self, archive: Archive, *, is_head: bool, as_text: bool) -> None:
        name = f"recount-{archive.team_id}-{archive.after}-{archive.through}.ndjson"
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        super().__init__(media_type=TEXT if as_text else MEDIA_TYPE, headers=headers)
        self._archive = archive
        self._is_head = is_head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.start_response(send)
        if self._is_head:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        note = noted(scope)
        try:
            async for lines, reached in written(self._archive):
                async with asyncio.timeout(STALLED_SECONDS):
                    await send({"type": "http.response.body", "body": lines, "more_body": True})
                note.covers(self._archive.after + 1, reached)
        except TimeoutError as stalled:
            pass_over("archive: stalled client", stalled)
            await cut(scope)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
