"""What a webhook is asked to do that no fact tells: to send again, and to send a test.

Commands write it down, and the projector, which alone has the way out, finds it.
"""

import asyncio
import time
from typing import LiteralString
from uuid import uuid4

import msgspec
from litestar import Response
from msgspec import UNSET
from psycopg.rows import args_row

from contracts.api.webhooks import Attempt, AttemptBody, ReplayBody, ReplayWebhook
from contracts.cursors import link_text
from services.command.handle import Terms
from services.command.webhooks.service import Webhooks
from services.command.webhooks.translation import checked_types
from services.common.http.caller import require_administrator
from services.common.http.problems import invalid, required, unavailable
from services.common.log.cursors import check_cursor
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.database import Pool

# A delivery takes 15 seconds at most, and a moment to be found.
TEST_SECONDS = 20.0
LOOK_SECONDS = 0.1

_ATTEMPT: LiteralString = """
    SELECT number, sequence, lane, at, duration_ms, state, status, error, response, retry_at
    FROM webhook_attempts WHERE number = (SELECT attempt FROM webhook_tests WHERE id = %s)"""


class Errands:
    """Both raise NotFound, and Rejected 403 for who is no administrator."""

    def __init__(self, pool: Pool, webhooks: Webhooks, seconds: float = TEST_SECONDS) -> None:
        self._pool = pool
        self._webhooks = webhooks
        self._seconds = seconds

    async def replay(self, number: int, sent: ReplayWebhook, terms: Terms) -> Response[bytes]:
        """202: what is sent again, after what is due. Raises as `check_cursor` does."""
        require_administrator(terms.caller)
        team_id = terms.caller.team_id
        if sent.after is UNSET:
            raise required("after")
        types = checked_types(sent.types)
        await self._webhooks.found(team_id, number)
        after = await check_cursor(self._pool, team_id, sent.after)
        through = await check_cursor(self._pool, team_id, sent.through)
        if through.team_seq < after.team_seq:
            raise invalid("through", "invalid_input", "It comes before `after`.")
        shown = ReplayBody(
            after=link_text(after),
            through=link_text(through),
            types=() if types is UNSET else types,
        )
        async with self._pool.connection() as conn:
            await conn.execute(
                "INSERT INTO webhook_replays (webhook_id, read_through, through, types)"
                " VALUES (%s, %s, %s, %s)",
                (number, after.team_seq, through.team_seq, list(shown.types)),
            )
        await self._ring()
        return Response(msgspec.json.encode(shown), status_code=202, media_type="application/json")

    async def test(self, number: int, terms: Terms) -> Response[bytes]:
        """Raises Rejected 503 when no deliverer takes it in time."""
        require_administrator(terms.caller)
        await self._webhooks.found(terms.caller.team_id, number)
        asked = uuid4()
        async with self._pool.connection() as conn:
            await conn.execute(
                "INSERT INTO webhook_tests (id, webhook_id) VALUES (%s, %s)", (asked, number)
            )
        await self._ring()
        until = time.monotonic() + self._seconds
        try:
            while time.monotonic() < until:
                async with self._pool.connection() as conn:
                    cursor = conn.cursor(row_factory=args_row(Attempt))
                    found = await (await cursor.execute(_ATTEMPT, (asked,))).fetchone()
                if found is not None:
                    body = msgspec.json.encode(AttemptBody.of(found))
                    return Response(body, status_code=200, media_type="application/json")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            async with self._pool.connection() as conn:
                await conn.execute("DELETE FROM webhook_tests WHERE id = %s", (asked,))
        raise unavailable("No process delivers webhooks now.")

    async def _ring(self) -> None:
        async with self._pool.connection() as conn:
            await conn.execute("SELECT pg_notify(%s, '')", (BELL_CHANNEL,))
