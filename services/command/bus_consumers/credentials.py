"""Passwords of bus consumers, and who is let in with one.

A password lives as long as the key and the rank that it was asked for with: it is dead as soon as
the key is revoked, or its user no administrator of the project's organization any more. What the
log says of its consumer counts at once, and no copy of it is asked.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import LiteralString

import msgspec
from psycopg.rows import class_row

from contracts.api.bus_consumers import LockedOut
from contracts.events.streams import bus_consumer_stream
from contracts.read_models.bus_consumer import BusConsumerRow
from domain.bus_consumer.view import view
from services.common.http.caller import Caller
from services.common.log.store import EventStore
from services.common.nkeys import AccountKey
from services.common.postgres.database import Pool

_SALT_BYTES = 16

_STANDINGS: LiteralString = """
    SELECT password.id, password.salt, password.hash,
        key.id IS NOT NULL AND key.revoked_at IS NULL AS has_key,
        coalesce(member.level, 0) >= 8 AS is_administrator
    FROM bus_passwords AS password
    JOIN projects AS project ON project.id = password.team_id
    LEFT JOIN personal_api_keys AS key ON key.id = password.key_id
    LEFT JOIN organization_members AS member
        ON member.organization_id = project.organization_id AND member.user_id = password.user_id
    WHERE password.id = ANY(%s)"""


class IssuedPassword(msgspec.Struct, frozen=True):
    """A password just made. text: a secret, shown once."""

    id: int
    text: str


class Password(msgspec.Struct, frozen=True):
    """A password as it stands now. has_key: the key that asked for it is not revoked."""

    id: int
    salt: bytes
    hash: bytes
    has_key: bool
    is_administrator: bool

    @property
    def locked_out(self) -> LockedOut | None:
        if not self.is_administrator:
            return "not_administrator"
        return None if self.has_key else "key_revoked"


class Credentials:
    """Issues passwords and judges them. issuer: what their texts are made with."""

    def __init__(self, pool: Pool, store: EventStore, issuer: AccountKey) -> None:
        self._pool = pool
        self._store = store
        self._issuer = issuer

    async def issue(self, caller: Caller) -> IssuedPassword:
        """A new password of this caller's; nothing is opened by it until a fact names it."""
        salt = secrets.token_bytes(_SALT_BYTES)
        text = self._text(salt)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "INSERT INTO bus_passwords (team_id, user_id, key_id, salt, hash)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                (caller.team_id, caller.user.id, caller.key.id, salt, _hash(text)),
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return IssuedPassword(row[0], text)

    async def text_of(self, password_id: int) -> str | None:
        """The text, for a request that is repeated; None where the issuer is another by now."""
        password = (await self.standings((password_id,))).get(password_id)
        if password is None:
            return None
        text = self._text(password.salt)
        return text if hmac.compare_digest(_hash(text), password.hash) else None

    async def standings(self, password_ids: Iterable[int]) -> Mapping[int, Password]:
        """Passwords as they stand, by id."""
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=class_row(Password)).execute(
                _STANDINGS, (list(password_ids),)
            )
            return {password.id: password for password in await cursor.fetchall()}

    async def admit(self, user: str, password: str) -> BusConsumerRow | None:
        """The consumer that this user and password open; None: none."""
        row = await self._consumer(user)
        found = None if row is None else (await self.standings((row.password_id,)))
        known = None if row is None or found is None else found.get(row.password_id)
        # Compared in any case, so that the time tells nothing of which part was wrong.
        fits = hmac.compare_digest(_hash(password), known.hash if known else bytes(32))
        if row is None or known is None or row.deleted or not fits or known.locked_out is not None:
            return None
        return row

    async def are_dead(self, opened: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Of connections, each a user and the password that opened it: those that it opens no
        more.
        """
        asked = set(opened)
        standings = await self.standings({password_id for _, password_id in asked})
        rows = {user: await self._consumer(user) for user in {user for user, _ in asked}}
        return {
            (user, password_id)
            for user, password_id in asked
            if (row := rows[user]) is None
            or row.deleted
            or row.password_id != password_id
            or (known := standings.get(password_id)) is None
            or known.locked_out is not None
        }

    async def _consumer(self, key: str) -> BusConsumerRow | None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT team_id, id FROM bus_consumer_ids WHERE key = %s", (key,)
            )
            found = await cursor.fetchone()
        return None if found is None else view(await self._store.load(bus_consumer_stream(*found)))

    def _text(self, salt: bytes) -> str:
        made = self._issuer.derived(b"recount bus password:" + salt)
        return urlsafe_b64encode(made).decode().rstrip("=")


def _hash(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
