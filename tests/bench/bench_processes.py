"""One, two and four processes of each service: what they answer together, as a ratio to one.

All on one machine with their PostgreSQL and whoever asks, so this shows what they cost each other,
not what they would do on machines of their own. The numbers of processes take turns. Writers of the
log alone: `bench_writers`.
"""

import asyncio
import multiprocessing
import statistics
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from time import perf_counter

import psycopg
import uvloop
from litestar import Litestar

from contracts.events.streams import insight_stream
from services.command import app as command
from services.command.settings import CommandSettings
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.log.store import EventStore
from services.common.postgres.migrate import migrate
from services.common.tasks import describe
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.app import running
from services.query import app as query
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.bench_log import rename
from tests.bench.http_load import Load, server, started
from tests.bench.stored import seed
from tests.examples import TEAM
from tests.services.projector.projecting import projecting

PROCESSES = (1, 2, 4)
ROUNDS = 5
INSIGHTS = 2_000
CONNECTIONS = 32
FACTS = 4_000

Rates = dict[int, list[float]]

_BEHIND = """
    SELECT FROM checkpoints WHERE position < (SELECT max(notification_id) FROM log) LIMIT 1"""


def _command(url: str) -> Litestar:
    settings = CommandSettings(database_url=url, nats_url="")
    return compose([foundation(url), command.part(settings)])


def _query(clickhouse: str, url: str) -> Litestar:
    settings = QuerySettings(database_url=url, clickhouse_url=clickhouse, reads="off")
    return compose([foundation(url), query.part(settings)])


@contextmanager
def _several(create_app: Callable[[str], Litestar], url: str, number: int) -> Iterator[list[str]]:
    with ExitStack() as ends:
        yield [ends.enter_context(server(create_app, url)) for _ in range(number)]


async def _ask(
    addresses: list[str], key: str, ask: Callable[[Load, int], Awaitable[float]]
) -> float:
    """Answers a second of all together, the connections in equal shares."""
    await asyncio.gather(*map(started, addresses))
    loads = [Load(each, key, CONNECTIONS // len(addresses)) for each in addresses]
    await asyncio.gather(*(ask(load, n) for n, load in enumerate(loads)))
    return sum(await asyncio.gather(*(ask(load, n) for n, load in enumerate(loads))))


def _reads(load: Load, _: int) -> Awaitable[float]:
    return load.reads(f"/api/projects/{TEAM}/insights/?limit=20&search=")


def _writes(load: Load, server_number: int) -> Awaitable[float]:
    own = INSIGHTS // CONNECTIONS

    def path(connection: int, count: int) -> str:
        mine = server_number * CONNECTIONS // max(PROCESSES) + connection % 8
        return f"/api/projects/{TEAM}/insights/{mine * own + count % own + 1}/"

    return load.writes("PATCH", path)


def _project(url: str, go: "Event", ready: "Event") -> None:
    """A projector, from a signal on."""

    async def run() -> None:
        ready.set()
        await asyncio.to_thread(go.wait)
        async with running(url):
            await asyncio.Event().wait()

    try:
        uvloop.run(run())
    except Exception as cause:
        print(describe(cause))


def _projected(url: str, number: int) -> float:
    """Facts a second, from the start of so many projectors until every read model has all."""
    asyncio.run(_append(url))
    spawn = multiprocessing.get_context("spawn")
    go = spawn.Event()
    readies = [spawn.Event() for _ in range(number)]
    processes = [
        spawn.Process(target=_project, args=(url, go, ready), daemon=True) for ready in readies
    ]
    for process in processes:
        process.start()
    for ready in readies:
        ready.wait(120)
    go.set()
    began = perf_counter()
    with psycopg.connect(url, autocommit=True) as conn:
        while conn.execute(_BEHIND).fetchone() is not None:
            pass
    seconds = perf_counter() - began
    for process in processes:
        process.kill()
        process.join()
    return FACTS / seconds


async def _append(url: str) -> None:
    """Names of the insights that are there."""
    async with EventStore.open(url) as store:
        for first in range(0, FACTS, 200):
            numbers = (n % INSIGHTS + 1 for n in range(first, first + 200))
            await asyncio.gather(
                *(store.append(rename(insight_stream(TEAM, n), None)) for n in numbers)
            )


async def _seeded(url: str) -> str:
    async with projecting(url) as projector:
        return await seed(projector, INSIGHTS)


def _show(what: str, rates: Rates) -> None:
    one = statistics.median(rates[PROCESSES[0]])
    for number, each in rates.items():
        rate = statistics.median(each)
        print(f"processes: {what} by {number}  {rate:9,.0f}/s  {rate / one:.2f} of one", flush=True)


def main() -> None:
    with servers.server_folder() as name:
        folder = Path(name)
        database = postgres.start(folder / "postgres", account_for(folder))
        try:
            url = database.url
            migrate(url)
            key = asyncio.run(_seeded(url))
            nowhere = partial(_query, "http://127.0.0.1:1")
            for what, app, ask in (
                ("PATCH of an insight, command", _command, _writes),
                ("list of insights made anew, query", nowhere, _reads),
            ):
                rates: Rates = {number: [] for number in PROCESSES}
                for _ in range(ROUNDS):
                    for number, each in rates.items():
                        with _several(app, url, number) as addresses:
                            each.append(asyncio.run(_ask(addresses, key, ask)))
                _show(what, rates)
            folded: Rates = {number: [] for number in PROCESSES}
            for _ in range(ROUNDS):
                for number, each in folded.items():
                    each.append(_projected(url, number))
            _show("facts in every read model, projector", folded)
        finally:
            database.stop()


if __name__ == "__main__":
    main()
