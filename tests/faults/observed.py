"""What a deployment holds once all is well again: the log, the rows, the public stream."""

import asyncio
import contextlib
from typing import Any

import httpx
import msgspec
import nats.errors
from nats.js.errors import Error as StreamError

from contracts.events.insight import InsightCreated, InsightRenamed
from contracts.events.viewing import InsightViewed
from contracts.subjects import FACTS_STREAM, HASH_HEADER
from services.common.bus import connect_bus
from services.common.log.store import EventStore, Unreadable
from services.projector.app import rebuildable
from services.projector.rebuild import RebuildResult
from tests.e2e.clients import version_of
from tests.faults.cluster import Cluster
from tests.faults.observed_events import ObservedEvents, observed_events
from tests.faults.operations import Fact, Gaps
from tests.faults.shadows import compared


class Row(msgspec.Struct, frozen=True):
    """An insight as it is read."""

    name: str
    version: int


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Of what came since the run began.

    facts: of the log. listed: the name of every insight, by the list. created: names that the
    activity log says were created, as often as it does. stream: hash by sequence.
    rebuilt: what a rebuild of each read model had to change. events: None: there is no ClickHouse.
    """

    facts: list[Fact]
    rows: dict[int, Row]
    listed: dict[int, str]
    created: list[str]
    stream: dict[int, str]
    rebuilt: list[RebuildResult]
    events: ObservedEvents | None = None


async def facts(url: str) -> list[Fact]:
    """The whole log."""
    found: list[Fact] = []
    numbers: dict[object, int] = {}
    async with EventStore.open(url) as store:
        while entries := await store.read(after=found[-1].position if found else 0):
            hashes = {
                entry.position: entry.hash.hex()
                for entry in await store.entries(found[-1].position if found else 0, len(entries))
            }
            for entry in entries:
                assert not isinstance(entry, Unreadable), entry
                kind, mark = "other", ""
                match entry.event:
                    case InsightCreated(insight_id=insight, name=name):
                        kind, mark = "create", name or ""
                        numbers[entry.stream_id] = insight
                    case InsightRenamed(name=name):
                        kind, mark = "rename", name or ""
                    case InsightViewed(insight_id=insight):
                        kind = "view"
                        numbers[entry.stream_id] = insight
                    case _:
                        pass
                found.append(
                    Fact(
                        position=entry.position,
                        hash=hashes[entry.position],
                        kind=kind,
                        insight=numbers.get(entry.stream_id, 0),
                        version=entry.version,
                        mark=mark,
                    )
                )
    return found


async def observed(cluster: Cluster, follower: "Follower", since: int) -> Observed:
    """Once the projections and the stream have the whole log. since: the position before it."""
    every = await facts(cluster.database.url)
    log = [fact for fact in every if fact.position > since]
    before = {fact.insight for fact in every if fact.position <= since}
    position = {"Insights-Position": str(log[-1].position)}
    async with httpx.AsyncClient(
        base_url=f"{cluster.url}/api/projects/1/insights/", headers=cluster.key, timeout=60
    ) as http:
        listed = await _listed(http, position)
        for number in before:
            listed.pop(number, None)
        rows = {number: await _row(http, number, position) for number in _edited(log)}
        created = await _created(http, position)
    await follower.reach(log[-1].position)
    names = {fact.mark for fact in log if fact.kind == "create"}
    return Observed(
        facts=log,
        rows=rows,
        listed=listed,
        created=[name for name in created if name in names],
        stream=dict(follower.hashes),
        rebuilt=await rebuilt(cluster.database.url),
        events=await observed_events(cluster, since),
    )


async def head(url: str) -> int:
    """The log's last position."""
    async with EventStore.open(url) as store:
        return await store.head()


def _edited(log: list[Fact]) -> set[int]:
    return {fact.insight for fact in log if fact.kind == "rename"}


async def _got(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    """Asked until it is answered: the last projection may still be behind."""
    for _ in range(120):
        with contextlib.suppress(httpx.TransportError):
            answer = await http.get(path, headers=headers)
            if answer.status_code == 200:
                return answer
        await asyncio.sleep(0.5)
    raise AssertionError(f"{path} is not answered")


async def _row(http: httpx.AsyncClient, number: int, position: dict[str, str]) -> Row:
    answer = await _got(http, f"{number}/", position)
    return Row(answer.json()["name"], version_of(answer))


async def _listed(http: httpx.AsyncClient, position: dict[str, str]) -> dict[int, str]:
    found: list[dict[str, Any]] = []
    while True:
        path = f"?basic=true&limit=1000&offset={len(found)}"
        page = (await _got(http, path, position)).json()
        found += page["results"]
        if page["next"] is None:
            return {insight["id"]: insight["name"] for insight in found}


async def _created(http: httpx.AsyncClient, position: dict[str, str]) -> list[str]:
    names: list[str] = []
    following: str | None = "activity/?all=true&limit=500"
    while following is not None:
        page = (await _got(http, following, position)).json()
        names += [
            entry["detail"]["name"] for entry in page["results"] if entry["activity"] == "created"
        ]
        following = page["next"]
    return names


async def rebuilt(url: str) -> list[RebuildResult]:
    """Of each read model; rows that a rebuild removes or writes were not as the log tells them."""
    results = [await compared(url, projection) for projection in rebuildable()]
    assert None not in results, "a projection stands still"
    return [result for result in results if result is not None]


class Follower:
    """A subscriber of the public stream: takes each sequence, in order, and keeps its hash.

    since: the sequence before its first.
    """

    def __init__(self, url: str, since: int, gaps: Gaps) -> None:
        self.hashes: dict[int, str] = {}
        self._since = since
        self._url = url
        self._gaps = gaps
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        bus = await connect_bus(self._url, "follower")
        try:
            while True:
                sequence = self._since + len(self.hashes) + 1
                try:
                    message = await bus.jetstream(timeout=2).get_msg(FACTS_STREAM, sequence)
                except (nats.errors.Error, StreamError, OSError, TimeoutError):
                    await asyncio.sleep(0.1)
                    continue
                self.hashes[sequence] = (message.headers or {}).get(HASH_HEADER, "")
                self._gaps.kept("stream")
                self._arrived.set()
        finally:
            await bus.close()

    async def reach(self, position: int) -> None:
        """Returns when it has everything up to there."""
        async with asyncio.timeout(120):
            while self._since + len(self.hashes) < position:
                self._arrived.clear()
                await self._arrived.wait()
