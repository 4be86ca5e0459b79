"""Passwords of shares: checked against what the log says, throttled, and told to it."""

import asyncio
import contextlib
from datetime import UTC, datetime
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.events.recorded import SystemActor
from contracts.events.streams import (
    insight_stream,
    share_login_stream,
    sharing_stream,
)
from contracts.events.viewing import ShareLoginFailed, ShareLoginSucceeded
from domain.insight.view import view as insight_view
from domain.sharing.view import view as sharing_view
from services.command.tries import Tries
from services.common.http.share_session import ShareSession, ShareSessions
from services.common.insights.shares import Share, is_alive, is_token
from services.common.log.store import Append, AppendPart, EventStore
from services.common.postgres.database import Pool


class ShareLogins:
    def __init__(self, pool: Pool, store: EventStore, sessions: ShareSessions) -> None:
        self._pool = pool
        self._store = store
        self._sessions = sessions
        self._hasher = PasswordHasher()
        self._tries = Tries[int](pool, "share_failures", "token_id")

    def forgetting(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self._tries.forgetting()

    async def find(self, token: str) -> Share | None:
        """The live share that a token opens; None for unknown, switched off and rotated away."""
        owner = await self._owner(token) if is_token(token) else None
        if owner is None:
            return None
        token_id, team_id, insight_id = owner
        shared, shown = sharing_stream(team_id, insight_id), insight_stream(team_id, insight_id)
        pasts = await self._store.load_all([shared, shown])
        sharing = sharing_view(pasts[shared])
        if sharing is None or not is_alive(sharing, token_id, datetime.now(UTC)):
            return None
        insight = insight_view(pasts[shown])
        return None if insight is None or insight.deleted else Share(token_id, sharing, insight)

    async def _owner(self, token: str) -> tuple[int, int, int] | None:
        """Numbers of the token, its project and its insight."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id, team_id, insight_id FROM share_tokens WHERE token = %s", (token,)
            )
            return await cursor.fetchone()

    async def attempt(self, share: Share, password: str) -> int | None:
        """The number of the share's password that this is; None for none. Raises TooOften."""
        minute = await self._tries.begin(share.token_id)
        hashes = await self._hashes(share)
        password_id = await asyncio.to_thread(self._matching, hashes, password)
        if password_id is None:
            await self._tell(share, ShareLoginFailed(share.insight.insight_id))
        else:
            await self._tries.no_failure(share.token_id, minute)
            await self._tell(share, ShareLoginSucceeded(share.insight.insight_id, password_id))
        return password_id

    def session(self, share: Share, password_id: int) -> str:
        """The share session of a visitor who came with this password."""
        return self._sessions.sign(ShareSession(share.token_id, password_id))

    def _matching(self, hashes: list[tuple[int, str]], password: str) -> int | None:
        """Every hash is tried, so that the time it takes says nothing about which one fits."""
        found: int | None = None
        for password_id, hashed in hashes:
            try:
                self._hasher.verify(hashed, password)
            except (VerificationError, InvalidHashError):
                continue
            found = password_id
        return found

    async def _hashes(self, share: Share) -> list[tuple[int, str]]:
        """Of the passwords that the share's facts name; orphans open nothing."""
        known = [password.id for password in share.sharing.passwords]
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id, password_hash FROM share_passwords"
                " WHERE team_id = %s AND id = ANY(%s) ORDER BY id",
                (share.team_id, known),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def _tell(self, share: Share, fact: ShareLoginFailed | ShareLoginSucceeded) -> None:
        """In a stream of its own: a visitor moves no version."""
        operation = uuid4()
        stream = share_login_stream(share.team_id, share.insight.insight_id)
        await self._store.append(
            Append(
                parts=(AppendPart(stream, None, (fact,)),),
                actor=SystemActor(),
                operation_id=operation,
                correlation_id=operation,
            )
        )
