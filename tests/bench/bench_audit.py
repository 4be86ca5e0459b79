"""Exports of a chain, in each form, as a ratio to reading the log bare. Processor time of this
process: PostgreSQL's own is the same for all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from services.common.accounts.accounts import Accounts
from services.common.log.entries import project_entries
from services.common.log.store import EventStore
from services.common.postgres.database import Pool, pool
from services.common.postgres.installation import installation
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.query.audit import forms
from services.query.audit.names import AuditNames
from services.query.streams.pull import MOST_EVENTS
from tests import servers
from tests.bench.bench_streams import append

FACTS = 40_000
ROUNDS = 5


async def read(pool: Pool) -> None:
    """The log, bare."""
    after = 0
    while entries := await project_entries(pool, 1, after, MOST_EVENTS):
        after = entries[-1].team_seq


def export(form: str, names: AuditNames) -> Callable[[Pool], Awaitable[None]]:
    written = forms.csv if form == "csv" else forms.LINES[form]

    async def run(pool: Pool) -> None:
        after = 0
        while entries := await project_entries(pool, 1, after, MOST_EVENTS):
            written(entries, await names.of(1, entries))
            after = entries[-1].team_seq

    return run


@asynccontextmanager
async def log() -> AsyncIterator[tuple[Pool, AuditNames]]:
    with servers.server_folder() as folder:
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            async with EventStore.open(server.url) as store:
                for number in range(FACTS // 100):
                    await append(store, 1 + number % 50, facts=100)
            async with pool(server.url, size=2) as connections:
                accounts = Accounts(connections, server.url)
                yield (
                    connections,
                    AuditNames(connections, accounts, await installation(connections)),
                )
        finally:
            server.stop()


async def main() -> None:
    async with log() as (connections, names):
        ways: Mapping[str, Callable[[Pool], Awaitable[None]]] = {
            "bare": read,
            **{form: export(form, names) for form in ("ndjson", "ocsf", "csv")},
        }
        costs: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.process_time()
                await way(connections)
                cost = (time.process_time() - began) / FACTS
                costs[name] = min(costs.get(name, cost), cost)
    for name, cost in costs.items():
        ratio = cost / costs["bare"]
        print(
            f"{name:8} {cost * 1e6:6.1f} µs of CPU an entry, {1 / cost:9,.0f}/s, {ratio:.2f} × bare"
        )


if __name__ == "__main__":
    asyncio.run(main())
