"""Rebuilds: how fast each projection, or those that are named, is folded again, and at what cost.

One PostgreSQL with its real settings and a log as projects have it: many looks, some changes, few
new things. The CPU time is this process's and the server's together, for a fact.
"""

import asyncio
import contextlib
import random
import sys
from time import perf_counter, process_time

import psutil
import uvloop

from contracts.events.access import AccessGranted
from contracts.events.dashboard import DashboardCreated, DashboardRenamed, TileAdded
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightFavorited,
    InsightQueryChanged,
    InsightRenamed,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from contracts.json import NULL
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.app import projections
from services.projector.rebuild import rebuild
from tests import servers
from tests.examples import FUNNEL, TEAM, created
from tests.services.projector.projecting import (
    Projecting,
    dashboard,
    insight,
    projecting,
    sharing,
    viewing,
)

FACTS = 30_000
APPENDS_AT_ONCE = 200
ROUNDS = 2


def commands(dice: random.Random) -> list[tuple[Stream[DomainEvent], tuple[DomainEvent, ...]]]:
    """Of so many facts, in no order that matters but that each thing is made first."""
    made: list[tuple[Stream[DomainEvent], tuple[DomainEvent, ...]]] = []
    insights = FACTS // 20
    for number in range(1, 101):
        made.append((dashboard(number), (DashboardCreated(number, f"Dashboard {number}"),)))
    for number in range(1, insights + 1):
        of = insight(number)
        made.append(
            (
                of,
                (
                    created(
                        insight_id=number,
                        short_id=f"s{number:07}",
                        name=f"Sign-ups by country {number}",
                        query=FUNNEL,
                    ),
                    InsightTagged(("growth",), ()),
                    InsightAddedToDashboard(number, 1 + number % 100, "Of the week"),
                ),
            )
        )
        made.append((dashboard(1 + number % 100), (TileAdded(number, number),)))
    facts = sum(len(events) for _, events in made)
    while facts < FACTS:
        number, draw = dice.randint(1, insights), dice.random()
        events: tuple[DomainEvent, ...]
        of = insight(number)
        if draw < 0.6:
            user = dice.randint(1, 20)
            of, events = viewing(user), (InsightViewed(number, user),)
        elif draw < 0.75:
            events = (InsightRenamed("Sign-ups, last 30 days", "Sign-ups by country"),)
        elif draw < 0.9:
            events = (InsightQueryChanged(FUNNEL, NULL), InsightFavorited())
        elif draw < 0.95:
            of, events = sharing(number), (SharingEnabled(number, 1),)
        elif draw < 0.98:
            of = dashboard(1 + number % 100)
            events = (DashboardRenamed("Of the month", "Of the week"),)
        else:
            of = Stream(StreamKind.ACCESS, TEAM, number)
            events = (AccessGranted(number, None, "viewer", None),)
        made.append((of, events))
        facts += len(events)
    return made


async def seed(projector: Projecting) -> None:
    made = commands(random.Random(1))
    for first in range(0, len(made), APPENDS_AT_ONCE):
        await asyncio.gather(
            *(
                projector.append(*events, of=of)
                for of, events in made[first : first + APPENDS_AT_ONCE]
            )
        )
    for projection in projections():
        await projector.runner(projection).catch_up()
    await projector.execute("VACUUM ANALYZE")


class Clock:
    """Wall and CPU time from here on; the CPU's of this process and of PostgreSQL's."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self._wall, self._own, self._theirs = perf_counter(), process_time(), self._of_server()

    def _of_server(self) -> float:
        total = 0.0
        for process in (self._server, *self._server.children(recursive=True)):
            # A worker of the server may be gone by now: its time is its parent's then.
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def __str__(self) -> str:
        wall = perf_counter() - self._wall
        own = (process_time() - self._own) / FACTS * 1e6
        theirs = (self._of_server() - self._theirs) / FACTS * 1e6
        return (
            f"{FACTS / wall:8,.0f} facts/s  {own:6.1f} us of ours and {theirs:6.1f} us of the"
            " server's a fact"
        )


async def _measure(url: str, pid: int) -> None:
    server = psutil.Process(pid)
    async with projecting(url) as projector:
        await seed(projector)
        for _ in range(ROUNDS):
            clock, position = Clock(server), 0
            while entries := await projector.store.read(position, 2000):
                position = entries[-1].position
            print(f"  {'reading alone':14} {clock}", flush=True)
            for projection in projections():
                if sys.argv[1:] and projection.name not in sys.argv[1:]:
                    continue
                clock = Clock(server)
                rebuilt = await rebuild(url, projector.store, projection)
                print(f"  {projection.name:14} {clock}", flush=True)
                assert (rebuilt.removed, rebuilt.written) == (0, 0)


def main() -> None:
    """Prints one line a projection and round."""
    with servers.server_folder() as folder:
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            (pid, *_) = (folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()
            print(f"rebuilds of {FACTS:,} facts")
            uvloop.run(_measure(server.url, int(pid)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
