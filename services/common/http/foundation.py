"""The foundation of every HTTP service: PostgreSQL, the accounts, and the caller."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from services.common.accounts.accounts import Accounts
from services.common.http.app import ServicePart, from_state
from services.common.http.budgets import UNLIMITED, Budgets
from services.common.http.caller import provide_caller, provide_person
from services.common.http.cursor_problems import CURSOR_ERRORS
from services.common.http.health import PartCheck, PartDegraded
from services.common.http.limits import RequestLimits, budget_headers
from services.common.http.page_callers import SignedOut, provide_page_caller, to_login
from services.common.http.page_session import PageSessions
from services.common.http.proxies import NOBODY, TrustedProxies, behind
from services.common.http.sent import SENT, provide_sent
from services.common.http.share_session import ShareSessions
from services.common.log.timeline import TimelineWatch
from services.common.postgres.database import pool
from services.common.tasks import background


def foundation(
    database_url: str, budgets: Budgets = UNLIMITED, proxies: TrustedProxies = NOBODY
) -> ServicePart:
    """Opened first, closed last: `pool`, `accounts`, `timeline` in the state, `caller` for routes.

    budgets: of every key and project, together with all other processes on this database.
    proxies: who may say what clients have asked for.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        timeline = app.state.timeline = TimelineWatch()
        async with pool(database_url, on_connection=timeline.ask) as connections:
            accounts = Accounts(connections, database_url)
            app.state.pool = connections
            app.state.accounts = accounts
            app.state.sessions = await ShareSessions.open(connections)
            app.state.page_sessions = await PageSessions.open(connections)
            limits = RequestLimits(connections, budgets) if budgets.limited else None
            app.state.limits = limits
            async with (
                accounts.listening(),
                background("timeline", timeline.run(connections)),
                limits.forgetting() if limits else contextlib.nullcontext(),
            ):
                yield

    return ServicePart(
        handlers=[],
        dependencies={
            "accounts": from_state("accounts"),
            "sessions": from_state("sessions"),
            "page_sessions": from_state("page_sessions"),
            "caller": Provide(provide_caller),
            "person": Provide(provide_person),
            "page_caller": Provide(provide_page_caller),
            SENT: Provide(provide_sent),
        },
        errors={**CURSOR_ERRORS, SignedOut: to_login},
        lifespans=[lifespan],
        checks={"postgresql": PartCheck(_postgresql, essential=True)},
        middleware=[budget_headers] if budgets.limited else [],
        around=[behind(proxies)] if proxies else [],
    )


async def _postgresql(state: State) -> None:
    async with state.pool.connection() as conn:
        cursor = await conn.execute("SHOW transaction_read_only")
        if await cursor.fetchone() == ("on",):
            raise PartDegraded(
                "PostgreSQL is read-only: a standby, perhaps; nothing can be written"
            )
    if state.timeline.is_unverified:
        raise PartDegraded(
            "a standby has taken over, and the log is not verified yet: nothing is appended"
        )
