"""Spending the budgets: counted in PostgreSQL, so that all processes count together.

One statement per request, in a table that is not logged: losing the counts in a crash harms nobody.
A request that is refused counts nowhere, and while a budget is known to be spent its requests are
refused from memory. Nothing of this runs, and no request takes another round trip, without limits.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.common.http.budgets import Budgets, BudgetUse, headers
from services.common.http.problems import throttled
from services.common.http.request import AnyRequest
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import background, every

_RATE_LIMIT_HEADERS = "recount.rate_limit"
FORGET_EVERY_SECONDS = 60
_KNOWN_AT_MOST = 10_000

# Admits the request when every budget has room, and says how they stood before it. Subjects come in
# one order, so that no two requests wait for each other's rows.
_SPEND = """
WITH wanted AS (
    SELECT n, subject, requests, seconds,
           floor(extract(epoch FROM now()) / seconds)::bigint AS number,
           extract(epoch FROM now()) / seconds
               - floor(extract(epoch FROM now()) / seconds) AS share
    FROM unnest(%(subjects)s::text[], %(requests)s::int[], %(seconds)s::int[])
        WITH ORDINALITY AS asked (subject, requests, seconds, n)
),
standing AS (
    SELECT wanted.*, coalesce(present.used, 0) AS used, coalesce(past.used, 0) AS before
    FROM wanted
    LEFT JOIN request_counts present USING (subject, seconds, number)
    LEFT JOIN request_counts past
        ON past.subject = wanted.subject AND past.seconds = wanted.seconds
        AND past.number = wanted.number - 1
),
spent AS (
    INSERT INTO request_counts (subject, seconds, number, used)
    SELECT subject, seconds, number, 1 FROM standing
    WHERE (SELECT bool_and(used + before * (1 - share) <= requests - 1) FROM standing)
    ORDER BY subject, seconds
    ON CONFLICT (subject, seconds, number) DO UPDATE SET used = request_counts.used + 1
)
SELECT used, before, (share * seconds)::float8 FROM standing ORDER BY n
"""
_FORGET = """
DELETE FROM request_counts
WHERE (number + 2) * seconds < extract(epoch FROM now())
"""


class _RefusedSubject(msgspec.Struct, frozen=True):
    """A subject refused until then. standing: how its budgets stood at `at`."""

    until: float
    at: float
    standing: Sequence[BudgetUse]


class RequestLimits:
    """The budgets of one process."""

    def __init__(self, pool: Pool, budgets: Budgets) -> None:
        self._pool = pool
        self._budgets = budgets
        self._known: dict[str, _RefusedSubject] = {}

    @contextlib.asynccontextmanager
    async def forgetting(self, seconds: float = FORGET_EVERY_SECONDS) -> AsyncIterator[None]:
        """Drops the counts of windows that are past, every so many seconds while the block runs."""
        forgetting = every(seconds, self._forget, away=CONNECTION_LOST)
        async with background("limits: forget", forgetting):
            yield

    async def spend(self, request: AnyRequest, key_id: str, project_id: int | None) -> None:
        """Counts one request. Raises Rejected 429 when a budget of key or project is spent."""
        group, budgets = self._budgets.of(request.url.path)
        if not budgets:
            return
        subjects = [f"key:{key_id}:{group}"]
        if project_id is not None:
            subjects.append(f"project:{project_id}:{group}")
        self._refuse_known(subjects)
        asked = [(subject, budget) for subject in subjects for budget in budgets]
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                _SPEND,
                {
                    "subjects": [subject for subject, _ in asked],
                    "requests": [budget.requests for _, budget in asked],
                    "seconds": [budget.seconds for _, budget in asked],
                },
            )
            rows = await cursor.fetchall()
        standing = [
            BudgetUse(budget, used, before, elapsed)
            for (_, budget), (used, before, elapsed) in zip(asked, rows, strict=True)
        ]
        waits = {
            subject: spent.wait_seconds
            for (subject, _), spent in zip(asked, standing, strict=True)
            if spent.wait_seconds
        }
        if waits:
            for subject, wait in waits.items():
                own = [
                    spent for (one, _), spent in zip(asked, standing, strict=True) if one == subject
                ]
                self._know(subject, wait, own)
            raise throttled(max(waits.values()), headers(standing))
        after = [msgspec.structs.replace(spent, used=spent.used + 1) for spent in standing]
        request.scope[_RATE_LIMIT_HEADERS] = headers(after)  # type: ignore[literal-required]  # ours

    def _refuse_known(self, subjects: list[str]) -> None:
        now = time.monotonic()
        for subject in subjects:
            known = self._known.get(subject)
            if known is not None and known.until > now:
                passed = now - known.at
                standing = [spent.later(passed) for spent in known.standing]
                raise throttled(int(known.until - now) + 1, headers(standing))

    def _know(self, subject: str, wait: int, standing: Sequence[BudgetUse]) -> None:
        if len(self._known) > _KNOWN_AT_MOST:
            self._known.clear()
        now = time.monotonic()
        # A second early: from then on PostgreSQL decides again.
        self._known[subject] = _RefusedSubject(now + wait - 1, now, standing)

    async def _forget(self) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(_FORGET)


def budget_headers(app: ASGIApp) -> ASGIApp:
    """Middleware: the answer to a counted request has the headers of its budgets."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept: dict[str, str] = scope.get(_RATE_LIMIT_HEADERS, {})  # type: ignore[assignment]  # ours
                MutableScopeHeaders.from_message(message).update(kept)
            await send(message)

        await app(scope, receive, sending)

    return middleware
