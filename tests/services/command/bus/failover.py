"""A log on a PostgreSQL that is failed over, and what the standby never hears of."""

from urllib.parse import quote

import msgspec
import psycopg

from contracts.events.dashboard import DashboardCreated, TileAdded
from contracts.events.insight import InsightAddedToDashboard, InsightCreated
from contracts.events.streams import dashboard_stream, insight_stream
from services.command.numbers import Numbers
from services.common.log.proving import verify
from services.common.log.store import EventStore
from services.common.log.timeline import LogTimeline, log_timeline
from services.common.log.verify import Verification
from services.common.postgres.database import pool
from services.common.postgres.migrate import migrate
from tests import servers
from tests.postgres_standby import Replicated
from tests.services.common.log.appends import append, to

TEAM = 1
ENTRIES_EACH = 4


class LogOnPair(msgspec.Struct, frozen=True):
    """A log in a database of a pair. ENTRIES_EACH entries for each insight that is made."""

    pair: Replicated
    database: str

    @property
    def url(self) -> str:
        hosts = ",".join(quote(str(server.sockets), safe="") for server in self.pair.servers)
        return f"postgresql://recount@/{self.database}?host={hosts}&target_session_attrs=read-write"

    async def work(self, times: int) -> list[int]:
        """Insights and dashboards, with the numbers that are drawn for them; an insight's each."""
        made = []
        async with EventStore.open(self.url) as store, pool(self.url) as connections:
            numbers = Numbers(connections)
            for _ in range(times):
                insight, dashboard = (
                    await numbers.new_insight(TEAM),
                    await numbers.new_dashboard(TEAM),
                )
                (tile,) = await numbers.new_tiles(1)
                await store.append(
                    append(
                        to(
                            insight_stream(TEAM, insight.id),
                            0,
                            InsightCreated(insight_id=insight.id, short_id=insight.short_id),
                            InsightAddedToDashboard(tile, dashboard, None),
                        ),
                        to(
                            dashboard_stream(TEAM, dashboard),
                            0,
                            DashboardCreated(dashboard_id=dashboard),
                            TileAdded(tile, insight.id),
                        ),
                    )
                )
                made.append(insight.id)
        return made

    async def lose(self, times: int) -> None:
        """Work that the standby never hears of, before it takes over."""
        self.pair.hold_back()
        await self.work(times)

    async def timeline(self) -> LogTimeline:
        async with pool(self.url) as connections:
            return await log_timeline(connections)

    async def proved(self) -> int:
        """How many entries the log has, as `recount verify` counts and proves them."""
        *_, last = [found async for found in verify(self.url, processes=0)]
        assert isinstance(last, Verification)
        return last.entries


def with_database(pair: Replicated) -> LogOnPair:
    """A database of its own, with a project, on a pair that has a standby."""
    if pair.standby is pair.primary:
        pair.add_standby()
    name = servers.unique("failover_")
    pair.primary.ask(f"CREATE DATABASE {name}")
    made = LogOnPair(pair, name)
    migrate(made.url)
    with psycopg.connect(made.url, autocommit=True) as conn:
        conn.execute("INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'Shop')")
        conn.execute(
            "INSERT INTO projects (organization_id, name, api_token)"
            " SELECT id, 'Shop', 'phc_1' FROM organizations"
        )
    return made
