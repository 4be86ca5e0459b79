"""What no fact of a webhook may hold: numbers of its URLs and secrets, given before the append."""

import base64
import os
from collections.abc import Mapping
from typing import LiteralString

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.errors import UniqueViolation

from contracts.events.streams import webhook_stream
from domain.webhook.view import view
from services.common.http.problems import Problem, Rejected
from services.common.log.store import EventStore
from services.common.postgres.database import Pool

MOST_WEBHOOKS = 20
SECRET_BYTES = 32

# Two that come at once take different slots, or one of them finds its slot taken and looks again.
_NUMBER: LiteralString = """
    INSERT INTO webhook_ids (team_id, slot)
    SELECT %(team_id)s, slot FROM generate_series(1, %(most)s) AS slot
    WHERE NOT EXISTS (
        SELECT FROM webhook_ids taken WHERE taken.team_id = %(team_id)s AND taken.slot = slot.slot
    )
    ORDER BY slot LIMIT 1
    ON CONFLICT DO NOTHING RETURNING id"""
# A command that drew a number appends within seconds, or never.
_TAKEN: LiteralString = """
    SELECT id, made_at < now() - interval '1 minute' FROM webhook_ids
    WHERE team_id = %s AND slot IS NOT NULL"""
_FREE: LiteralString = "UPDATE webhook_ids SET slot = NULL WHERE id = ANY(%s)"


# Of a number that a trial has drawn and given back.
_HOLD: LiteralString = """
    UPDATE webhook_ids SET made_at = now(), slot = (
        SELECT slot FROM generate_series(1, %(most)s) AS slot
        WHERE NOT EXISTS (
            SELECT FROM webhook_ids taken
            WHERE taken.team_id = %(team_id)s AND taken.slot = slot.slot
        )
        ORDER BY slot LIMIT 1
    )
    WHERE id = %(id)s AND team_id = %(team_id)s AND slot IS NULL RETURNING slot"""


class NewSecret(msgspec.Struct, frozen=True):
    """public_key: whpk_…, for v1a."""

    id: int
    public_key: str


class WebhookSecrets:
    def __init__(self, pool: Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store

    async def number(self, team_id: int) -> int:
        """Of a new webhook. Raises Rejected 409 when the project has as many as it may have."""
        while True:
            async with self._pool.connection() as conn:
                cursor = await conn.execute(_NUMBER, {"team_id": team_id, "most": MOST_WEBHOOKS})
                row = await cursor.fetchone()
                if row is not None:
                    return int(row[0])
                taken = await (await conn.execute(_TAKEN, (team_id,))).fetchall()
            if len(taken) < MOST_WEBHOOKS:
                continue
            unused = await self._unused(team_id, dict(taken))
            if not unused:
                raise too_many()
            await self._free(unused)

    async def give_back(self, number: int) -> None:
        """A number that a trial has drawn counts against no limit."""
        await self._free([number])

    async def hold(self, team_id: int, number: int) -> None:
        """A number that was given back is for a webhook after all. Raises as `number` does."""
        while True:
            try:
                async with self._pool.connection() as conn:
                    values = {"team_id": team_id, "most": MOST_WEBHOOKS, "id": number}
                    row = await (await conn.execute(_HOLD, values)).fetchone()
            except UniqueViolation:
                continue
            if row is None or row[0] is not None:
                return
            # None is free, or only of those that no webhook ever got.
            await self.give_back(await self.number(team_id))

    async def url(self, team_id: int, webhook_id: int, url: str) -> int:
        """The number of this address."""
        return await self._add(team_id, webhook_id, url=url)

    async def url_of(self, address_id: int) -> str | None:
        """None: its webhook is deleted."""
        return await self._text("SELECT url FROM webhook_secrets WHERE id = %s", address_id)

    async def text_of(self, secret_id: int) -> str | None:
        """whsec_…, as receivers verify with it. None: its webhook is deleted."""
        return await self._text("SELECT secret FROM webhook_secrets WHERE id = %s", secret_id)

    async def secret(self, team_id: int, webhook_id: int) -> NewSecret:
        text = f"whsec_{_base64(os.urandom(SECRET_BYTES))}"
        private = Ed25519PrivateKey.generate()
        number = await self._add(
            team_id,
            webhook_id,
            secret=text,
            private_key=f"whsk_{_base64(private.private_bytes_raw())}",
        )
        return NewSecret(number, f"whpk_{_base64(private.public_key().public_bytes_raw())}")

    async def forget(self, webhook_id: int) -> None:
        """All of a deleted webhook's; its slot is free."""
        async with self._pool.connection() as conn:
            await conn.execute("DELETE FROM webhook_secrets WHERE webhook_id = %s", (webhook_id,))
        await self._free([webhook_id])

    async def _unused(self, team_id: int, taken: Mapping[int, bool]) -> list[int]:
        """Of these numbers those of deleted webhooks, and those that no webhook ever got.

        taken: by number, whether it was drawn a while ago.
        """
        streams = {number: webhook_stream(team_id, number) for number in taken}
        pasts = await self._store.load_all(list(streams.values()))
        rows = {number: view(pasts[stream]) for number, stream in streams.items()}
        return [
            number
            for number, row in rows.items()
            if (taken[number] if row is None else row.deleted)
        ]

    async def _text(self, statement: LiteralString, number: int) -> str | None:
        async with self._pool.connection() as conn:
            row = await (await conn.execute(statement, (number,))).fetchone()
        return row[0] if row else None

    async def _free(self, numbers: list[int]) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(_FREE, (numbers,))

    async def _add(
        self,
        team_id: int,
        webhook_id: int,
        *,
        url: str | None = None,
        secret: str | None = None,
        private_key: str | None = None,
    ) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "INSERT INTO webhook_secrets (team_id, webhook_id, url, secret, private_key)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                (team_id, webhook_id, url, secret, private_key),
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return int(row[0])


def too_many() -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="too_many",
            detail=f"A project has at most {MOST_WEBHOOKS} webhooks.",
        ),
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
