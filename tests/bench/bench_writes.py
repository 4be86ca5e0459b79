"""Writes over HTTP with a real key, against a constant answer of 2 kB from the same server.

Stored as for the reads. Each connection patches insights of its own, each time with a new name, so
every answer stands for a fact in the log. Each figure is the median of rounds in which the write
and the constant answer take turns.
"""

import asyncio
import statistics

from litestar import Litestar

from services.command import app as command
from services.command.settings import CommandSettings
from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from tests import servers
from tests.bench.http_load import Load, constant, server, started
from tests.bench.stored import INSIGHTS, KEYS, seed
from tests.examples import TEAM
from tests.services.projector.projecting import projecting

CONNECTIONS = 32
ROUNDS = 7
SIZE = 2_000
GOAL = 0.15


def _app(url: str) -> Litestar:
    settings = CommandSettings(database_url=url, nats_url="")
    return compose([foundation(url), command.part(settings), ServicePart(handlers=[constant])])


async def _measure(url: str, key: str) -> None:
    load = Load(url, key, CONNECTIONS)
    own = INSIGHTS // CONNECTIONS

    def path(connection: int, count: int) -> str:
        return f"/api/projects/{TEAM}/insights/{connection * own + count % own + 1}/"

    rates, ratios = [], []
    for _ in range(ROUNDS):
        fixed = await load.reads(f"/constant/{SIZE}/")
        rates.append(await load.writes("PATCH", path))
        ratios.append(rates[-1] / fixed)
    print(
        f"PATCH of a name {statistics.median(rates):9,.0f}/s"
        f"   {statistics.median(ratios):.2f} of a constant answer   goal {GOAL}"
    )


async def _run(url: str) -> None:
    async with projecting(url) as projector:
        key = await seed(projector)
    print(f"{INSIGHTS:,} insights, {KEYS:,} keys, {CONNECTIONS} connections")
    with server(_app, url) as address:
        await started(address)
        await _measure(address, key)


def main() -> None:
    with servers.server_folder() as folder:
        database = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(database.url)
            asyncio.run(_run(database.url))
        finally:
            database.stop()


if __name__ == "__main__":
    main()
