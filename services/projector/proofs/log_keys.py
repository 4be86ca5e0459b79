"""Which key signs: the rows that say so, held against the files."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.rows import args_row

from contracts.codec import encode_event
from contracts.events.audit import KeyRotated
from contracts.events.streams import StreamKind
from contracts.notes import VerifierKey
from services.common.proofs.checkpoints import LogKey
from services.common.proofs.origins import project_origin
from services.projector.checkpoint import Connection
from services.projector.proofs.key_files import KeyFiles, UnusableKey, public_of

OVERLAP = timedelta(hours=24)

_KEYS: LiteralString = "SELECT public, since, until, lost FROM log_keys ORDER BY since"

_REGISTER: LiteralString = """
    INSERT INTO log_keys (public) SELECT %s WHERE NOT EXISTS (SELECT FROM log_keys)
    ON CONFLICT DO NOTHING"""

_END: LiteralString = """
    UPDATE log_keys SET until = now() + %(overlap)s, lost = %(lost)s
    WHERE until IS NULL RETURNING public"""

_BEGIN: LiteralString = "INSERT INTO log_keys (public) VALUES (%s)"

_CHAINS: LiteralString = "SELECT team_id FROM log_heads ORDER BY team_id"

_TELL: LiteralString = """
    INSERT INTO to_tell (id, team_id, kind, number, fact)
    VALUES (gen_random_uuid(), %(team_id)s, %(kind)s, 0, %(fact)s)"""

_NONE = "there is no key to sign checkpoints with: name its file in …_LOG_KEY_FILE"
_GONE = "the log's key is gone from {path}: `recount log-key rotate --lost` makes a new one"
_OTHER = "the key in {path} is not the log's: `recount log-key rotate` makes it so"


class SigningKeys(msgspec.Struct, frozen=True):
    """keys: that sign now, the newest first. missing: why there is none."""

    keys: Sequence[Ed25519PrivateKey] = ()
    missing: str | None = None


class NothingToRotate(Exception):
    """No key has signed yet: the first start makes one."""


class OldKeyMissing(Exception):
    """The key that signs is not in the files: it can only be rotated as lost."""


async def signing_keys(conn: Connection, files: KeyFiles | None) -> SigningKeys:
    """Those that sign now. The very first one is registered; in a folder it is made.

    Safe in any number of processes.
    """
    if files is None:
        return SigningKeys(missing=_NONE)
    try:
        held = list(files.read())
        if not await _rows(conn):
            if not held and files.is_folder:
                held = [files.add()]
            if held:
                await conn.execute(_REGISTER, (public_of(held[-1]),))
    except (UnusableKey, OSError) as cause:
        return SigningKeys(missing=str(cause))
    return _of(await _rows(conn), held, files)


async def rotate(conn: Connection, files: KeyFiles, origin: str, *, lost: bool) -> LogKey:
    """A new key signs from now on, the old one beside it for a day; every chain is told.

    A key that is in the files and was never used is taken, so that a rotation that died on the way
    is done once. lost: the old key signs no more from now on.
    origin: of the installation; a chain's is below it. Raises NothingToRotate, OldKeyMissing.
    """
    async with conn.transaction():
        await conn.execute("LOCK TABLE log_keys IN EXCLUSIVE MODE")
        rows = {row.public: row for row in await _rows(conn)}
        held = [public_of(key) for key in files.read()]
        signing = next((row for row in rows.values() if row.until is None), None)
        if signing is None:
            raise NothingToRotate
        if signing.public not in held and not lost:
            raise OldKeyMissing
        unused = [public for public in held if public not in rows]
        new = unused[-1] if unused else public_of(files.add())
        overlap = timedelta(0) if lost else OVERLAP
        await conn.execute(_END, {"overlap": overlap, "lost": lost})
        await conn.execute(_BEGIN, (new,))
        chains = await (await conn.execute(_CHAINS)).fetchall()
        for (team_id,) in chains:
            name = project_origin(origin, team_id)
            fact = KeyRotated(
                old=VerifierKey(name, signing.public).text,
                new=VerifierKey(name, new).text,
                lost=lost,
            )
            told = {"kind": StreamKind.AUDIT, "fact": encode_event(fact).decode()}
            await conn.execute(_TELL, told | {"team_id": team_id})
        rotated = await _rows(conn)
    return next(row for row in rotated if row.public == new)


async def _rows(conn: Connection) -> list[LogKey]:
    cursor = conn.cursor(row_factory=args_row(LogKey), binary=True)
    await cursor.execute(_KEYS)
    return await cursor.fetchall()


def _of(rows: Sequence[LogKey], held: Sequence[Ed25519PrivateKey], files: KeyFiles) -> SigningKeys:
    by_public = {public_of(key): key for key in held}
    now = datetime.now(UTC)
    signing = [row for row in reversed(rows) if row.until is None or row.until > now]
    newest = next((row for row in signing if row.until is None), None)
    if newest is None:
        return SigningKeys(missing=_NONE)
    if newest.public not in by_public:
        said = _OTHER if held else _GONE
        return SigningKeys(missing=said.format(path=files.path))
    return SigningKeys([by_public[row.public] for row in signing if row.public in by_public])
