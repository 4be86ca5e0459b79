"""The log held against what was signed of it, and against checkpoints that were kept elsewhere."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct
from psycopg import AsyncConnection

from contracts.notes import (
    Checkpoint,
    ForgedSignature,
    MalformedNote,
    Note,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    signers,
)
from services.common.log.proving import verify
from services.common.log.verify import Code, Verification, VerifyProgress


class KeptCheckpoint(Struct, frozen=True):
    """team_id: of its origin. where: the file it was kept in, or `signed here`."""

    team_id: int
    note: Note
    checkpoint: Checkpoint
    where: str


class Held(Struct, frozen=True):
    """Everything holds. checkpoints: so many roots were compared. signed: project -> the size up to
    which its tree is signed.
    """

    verification: Verification
    checkpoints: int
    signed: dict[int, int]


class NotAsSigned(Exception):
    """A project's entries are not those of a checkpoint, or its signature is not by its key."""

    def __init__(self, kept: KeptCheckpoint, code: Code, why: str) -> None:
        super().__init__(
            f"project {kept.team_id}, checkpoint of size {kept.checkpoint.size}"
            f" ({kept.where}): {why}"
        )
        self.team_id = kept.team_id
        self.sequence = kept.checkpoint.size
        self.code = code


def kept_checkpoint(text: str, where: str) -> KeptCheckpoint:
    """Of a file's text. Raises MalformedNote."""
    note = parse_note(text)
    checkpoint = parse_checkpoint(note.text)
    chain = checkpoint.origin.rpartition("/")[2]
    if not chain.removeprefix("-").isdecimal():
        raise MalformedNote(f"{checkpoint.origin!r} names no project")
    return KeptCheckpoint(int(chain), note, checkpoint, where)


async def held(
    url: str, kept: Sequence[KeptCheckpoint] = ()
) -> AsyncIterator[VerifyProgress | Held]:
    """Progress, then Held.

    Raises what `verify` does, and NotAsSigned for the smallest checkpoint that does not hold.
    """
    signed, keys = await _signed(url)
    every = sorted([*signed, *kept], key=lambda each: (each.team_id, each.checkpoint.size))
    sizes: dict[int, list[int]] = {}
    for each in every:
        sizes.setdefault(each.team_id, []).append(each.checkpoint.size)
    async for step in verify(url, sizes):
        if isinstance(step, VerifyProgress):
            yield step
            continue
        # More than one, where the installation or its name was renewed.
        origins: dict[int, set[str]] = {}
        for each in signed:
            origins.setdefault(each.team_id, set()).add(each.checkpoint.origin)
        for each in every:
            _check(each, step, origins.get(each.team_id), keys)
        newest = {each.team_id: each.checkpoint.size for each in signed}
        yield Held(step, len(every), newest)


def _check(
    kept: KeptCheckpoint, found: Verification, origins: set[str] | None, keys: Sequence[bytes]
) -> None:
    """Raises NotAsSigned."""
    if origins is not None and kept.checkpoint.origin not in origins:
        ours = ", ".join(sorted(origins))
        raise NotAsSigned(kept, "forked", f"it is of {kept.checkpoint.origin}, and not of {ours}")
    root = found.roots.get((kept.team_id, kept.checkpoint.size))
    if root is None:
        raise NotAsSigned(kept, "missing", "the log has fewer entries")
    if root != kept.checkpoint.root:
        raise NotAsSigned(kept, "forked", "the log's first entries have another root")
    try:
        signers(kept.note, [VerifierKey(kept.checkpoint.origin, key) for key in keys])
    except ForgedSignature as cause:
        raise NotAsSigned(kept, "forged", "its signature is not by the log's key") from cause


async def _signed(url: str) -> tuple[list[KeptCheckpoint], list[bytes]]:
    """What was signed here, and the keys. Read before the log, which only grows meanwhile."""
    async with await AsyncConnection.connect(url) as conn:
        rows = await conn.execute(
            "SELECT team_id, size, root, note FROM signed_checkpoints ORDER BY team_id, size"
        )
        signed = []
        for team_id, size, root, text in await rows.fetchall():
            note = parse_note(text)
            checkpoint = parse_checkpoint(note.text)
            one = KeptCheckpoint(team_id, note, checkpoint, "signed here")
            if (checkpoint.size, checkpoint.root) != (size, bytes(root)):
                raise NotAsSigned(one, "forged", "its row says something else")
            signed.append(one)
        keys = await (await conn.execute("SELECT public FROM log_keys")).fetchall()
        return signed, [bytes(key) for (key,) in keys]
