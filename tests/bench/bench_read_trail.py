"""What it costs to record reads: GETs of a server that does, beside one that does not.

Both run all the time on the same database, and take turns of half a second, each first in every
other round, so that both see the same machine. Figures are medians over the rounds; CPU is the
server process's own.
"""

import asyncio
import contextlib
import statistics
from collections.abc import Iterator

import msgspec
import psutil
from litestar import Litestar

from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.http.proxies import NOBODY
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.query import reading, recording
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.http_load import CONNECTIONS, Load, server, started
from tests.bench.stored import seed
from tests.services.projector.projecting import projecting
from tests.services.query.reads.reading import NO_ENGINE

ROUNDS = 31
INSIGHTS = 2_000


class Kind(msgspec.Struct, frozen=True):
    """goal: at least this part of the rate without recording."""

    name: str
    path: str
    goal: float


KINDS = (
    Kind("one insight, anew", "/api/projects/1/insights/1/?anew=", 0.95),
    Kind("one insight, remembered", "/api/projects/1/insights/1/", 0.92),
    Kind("list of 100, anew", "/api/projects/1/insights/?anew=", 0.95),
)


class Measured(msgspec.Struct, frozen=True):
    """Of one round: answers a second, seconds of CPU per answer, and the slowest of a hundred."""

    rate: float
    cpu: float
    p99: float


def _recording(url: str) -> Litestar:
    return _app(QuerySettings(database_url=url, clickhouse_url=""))


def _silent(url: str) -> Litestar:
    return _app(QuerySettings(database_url=url, clickhouse_url="", reads="off"))


def _app(settings: QuerySettings) -> Litestar:
    parts = [recording.part(settings, NOBODY), reading.part(settings), NO_ENGINE]
    return compose([foundation(settings.database_url), *parts])


@contextlib.contextmanager
def _process(address: str) -> Iterator[psutil.Process]:
    port = int(address.rpartition(":")[2])
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            held = child.net_connections(kind="tcp")
            if any(each.laddr and each.laddr.port == port for each in held):
                yield child
                return
    raise RuntimeError(f"nobody listens on {address}")


async def _round(load: Load, process: psutil.Process, path: str) -> Measured:
    before = process.cpu_times()
    load.latencies.clear()
    rate = await load.reads(path)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    slow = sorted(load.latencies)
    return Measured(rate, spent / max(len(slow), 1), slow[int(len(slow) * 0.99)])


async def _measure(kind: Kind, key: str, addresses: tuple[str, str]) -> None:
    loads = [Load(address, key) for address in addresses]
    with _process(addresses[0]) as first, _process(addresses[1]) as second:
        processes = (first, second)
        rounds: list[list[Measured]] = []
        for count in range(ROUNDS):
            order = (0, 1) if count % 2 else (1, 0)
            found = {
                place: await _round(loads[place], processes[place], kind.path) for place in order
            }
            rounds.append([found[0], found[1]])
    rate = statistics.median(on.rate / off.rate for on, off in rounds)
    cpu = statistics.median((on.cpu - off.cpu) * 1e6 for on, off in rounds)
    base = statistics.median(off.cpu * 1e6 for _, off in rounds)
    slower = statistics.median((on.p99 - off.p99) * 1000 for on, off in rounds)
    print(
        f"{kind.name:26} {rate:.3f} of the rate without   goal {kind.goal}"
        f"   CPU {base:.0f} + {cpu:.1f} us   p99 {slower:+.2f} ms   goal +1.00 ms",
        flush=True,
    )


async def _run(url: str) -> None:
    async with projecting(url) as projector:
        key = await seed(projector, INSIGHTS)
        with server(_recording, url) as on, server(_silent, url) as off:
            await started(on)
            await started(off)
            print(f"{ROUNDS} rounds, {CONNECTIONS} connections")
            for kind in KINDS:
                await _measure(kind, key, (on, off))


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
