"""kill -9 under concurrent writes of every kind: what was acknowledged is everywhere, once."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.events.account import AccountEvent
from contracts.events.audit import AuditEvent
from contracts.events.insight import InsightCreated, InsightRenamed
from contracts.events.sharing import SharingDisabled, SharingEnabled
from contracts.events.viewing import InsightViewed
from services.common.log.store import EventStore, Unreadable
from services.embedded import datadir
from tests import servers
from tests.e2e.writers import Expected, Writer, expected
from tests.embedded.recount_process import Served, recount, serving

WRITERS = 8
KILLS = 3
ACKNOWLEDGED_BETWEEN_KILLS = (40, 160)
Counts = Counter[tuple[str, object]]


@pytest.fixture
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@pytest.mark.timeout(300)
async def test_what_was_acknowledged_before_a_kill_is_in_log_rows_and_activity_once(
    data: Path,
) -> None:
    chance = random.Random(20261124)
    goal = Goal()
    writers = [Writer(number, goal.step) for number in range(WRITERS)]
    headers: dict[str, str] = {}
    for _ in range(KILLS):
        with serving(data, "--no-demo") as served:
            headers = headers or first_key(served)
            goal.set(chance.randint(*ACKNOWLEDGED_BETWEEN_KILLS))
            writing = asyncio.gather(*(writer.run(served.url, headers) for writer in writers))
            await goal.reached(writing)
            # Somewhere in the midst of a write, not between two.
            await asyncio.sleep(chance.uniform(0, 0.02))
            served.end(signal.SIGKILL)
            await writing
    with serving(data, "--no-demo") as served:
        async with httpx.AsyncClient(
            base_url=f"{served.url}/api/projects/1/insights/", headers=headers, timeout=60
        ) as http:
            for writer in writers:
                await writer.settle(http)
            told = expected(writers)
            log, names, head = await logged(data)
            assert differing(log, told) == {}
            position = {"Insights-Position": str(head)}
            assert await listed(http, position) == names
            assert await active(http, position) == log
            for writer in writers:
                await check_switch(http, position, writer, log)
        verified = recount("verify", "--data-dir", str(data))
        assert verified.returncode == 0, verified.stderr
    assert told.least.total() >= KILLS * ACKNOWLEDGED_BETWEEN_KILLS[0]
    in_doubt = told.most.total() - told.least.total()
    assert in_doubt > 0, "no kill met a write without a key: nothing was shown"


def first_key(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {served.printed.partition('API key')[2].split()[0]}"}


class Goal:
    """So many acknowledged writes from now on."""

    def set(self, writes: int) -> None:
        self._left = writes
        self._reached = asyncio.Event()

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._reached.set()

    async def reached(self, writing: "asyncio.Future[Any]") -> None:
        """Or nobody writes any more: that one says why."""
        waiting = asyncio.ensure_future(self._reached.wait())
        await asyncio.wait({waiting, writing}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()


async def logged(data: Path) -> tuple[Counts, dict[int, str], int]:
    """How often the log holds each write, the name of every insight at its end, and its end."""
    running = datadir.find(data)
    assert running is not None
    counts: Counts = Counter()
    names: dict[int, str] = {}
    position = 0
    async with EventStore.open(running.postgres_url) as store:
        while facts := await store.read(after=position):
            for fact in facts:
                position = fact.position
                assert not isinstance(fact, Unreadable)
                match fact.event:
                    case InsightCreated(insight_id=number, name=str(name)):
                        counts["create", name] += 1
                        names[number] = name
                    case InsightRenamed(name=str(name)):
                        counts["rename", name] += 1
                        (number,) = (n for n, was in names.items() if was == fact.event.previous)
                        names[number] = name
                    case SharingEnabled(insight_id=number) | SharingDisabled(insight_id=number):
                        counts["switch", number] += 1
                    case InsightViewed(insight_id=number):
                        counts["view", number] += 1
                    case _ if isinstance(fact.event, AccountEvent | AuditEvent):
                        # Of the first start, and seals of reads.
                        pass
                    case other:
                        raise AssertionError(f"nobody wrote {other}")
    return counts, names, position


def differing(log: Counts, told: Expected) -> dict[Any, tuple[int, int, int]]:
    """(at least, in the log, at most) of each write that the log has too seldom or too often."""
    return {
        what: (told.least[what], log[what], told.most[what])
        for what in log.keys() | told.most.keys()
        if not told.least[what] <= log[what] <= told.most[what]
    }


async def listed(http: httpx.AsyncClient, position: dict[str, str]) -> dict[int, str]:
    """The name of every insight, by the list."""
    answer = await http.get("?basic=true&limit=1000", headers=position)
    found = answer.json()
    assert found["next"] is None
    assert found["count"] == len(found["results"])
    return {insight["id"]: insight["name"] for insight in found["results"]}


async def active(http: httpx.AsyncClient, position: dict[str, str]) -> Counts:
    """How often the activity log tells of each write."""
    counts: Counts = Counter()
    following: str | None = "activity/?all=true&limit=500"
    while following is not None:
        page = (await http.get(following, headers=position)).json()
        for entry in page["results"]:
            number = int(entry["item_id"])
            match entry["activity"]:
                case "created":
                    counts["create", entry["detail"]["name"]] += 1
                case "updated":
                    (change,) = entry["detail"]["changes"]
                    counts["rename", change["after"]] += 1
                case "sharing enabled" | "sharing disabled":
                    counts["switch", number] += 1
                case "viewed":
                    counts["view", number] += 1
                case other:
                    raise AssertionError(f"nobody did {other}")
        following = page["next"]
    return counts


async def check_switch(
    http: httpx.AsyncClient, position: dict[str, str], writer: Writer, log: Counts
) -> None:
    """On after an odd number of changes: each was from one to the other."""
    answer = await http.get(f"{writer.insight}/sharing/", headers=position)
    assert answer.json()["enabled"] is (log["switch", writer.insight] % 2 == 1)
