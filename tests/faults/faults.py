"""The faults, each with the proof that it took effect; a cell without that proof counts as failed.

A fault lasts while its block runs, and is over when the block has ended: what was killed stands
again, what was frozen goes on.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import httpx

from contracts.subjects import FACTS_STREAM
from services.common.stream import StreamUnavailable, ask_jetstream, connect_now
from tests.faults import disks
from tests.faults.cluster import Cluster, Processes, Service, runs
from tests.faults.driving import Driver
from tests.shards import Fault
from tests.waiting import until

Name = Literal[
    "command killed",
    "command frozen",
    "command's cable hangs",
    "command's cable half open",
    "command's cable is slow",
    "query killed",
    "query frozen",
    "projector killed",
    "projector frozen",
    "PostgreSQL killed",
    "PostgreSQL restarted",
    "PostgreSQL frozen",
    "NATS leader killed",
    "NATS quorum lost",
    "NATS frozen",
    "ClickHouse away",
    "ClickHouse frozen",
    "gateway killed",
    "clock an hour ahead",
    "disk full: PostgreSQL",
    "disk full: NATS",
    "primary lost",
    "standby behind",
]


class NotProven(AssertionError):
    """Nothing shows that the fault took effect."""


def prove(holds: Callable[[], bool], what: str) -> str:
    """The proof, in words. Raises NotProven."""
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            raise NotProven(what)
        time.sleep(0.02)
    return what


@contextmanager
def _killed(service: Service) -> Iterator[str]:
    process = service.process
    service.kill()
    yield prove(lambda: process.poll() == -signal.SIGKILL, f"{service.name} ended by SIGKILL")
    service.start()
    service.wait()


@contextmanager
def _frozen(what: Processes, name: str) -> Iterator[str]:
    what.send(signal.SIGSTOP)
    try:
        yield prove(what.are_stopped, f"{name} stands still in /proc")
    finally:
        what.send(signal.SIGCONT)


@contextmanager
def _on_the_cable(cluster: Cluster, fault: Callable[[], None], held: str) -> Iterator[str]:
    """Between command 2 and PostgreSQL."""
    cable = cluster.cable
    before = cable.held + cable.refused
    fault()
    try:
        yield prove(lambda: cable.held + cable.refused > before, held)
    finally:
        cable.mend()


@contextmanager
def _without_postgres(cluster: Cluster, *, politely: bool) -> Iterator[str]:
    database = cluster.single
    before = database.stop() if politely else database.kill()
    yield prove(lambda: not any(map(runs, before)), f"{len(before)} processes of it are gone")
    database.start()


@contextmanager
def _without_leader(cluster: Cluster) -> Iterator[str]:
    leader = cluster.nats.node(leader_of(cluster, FACTS_STREAM))
    leader.end(signal.SIGKILL)
    yield f"{leader.name}, which led {FACTS_STREAM}, ended by SIGKILL"
    leader.start()


@contextmanager
def _without_quorum(cluster: Cluster) -> Iterator[str]:
    away = cluster.nats.nodes[:2]
    for node in away:
        node.end(signal.SIGKILL)
    yield "two of three nodes ended by SIGKILL"
    for node in away:
        node.start()


@contextmanager
def _all_nodes_frozen(cluster: Cluster) -> Iterator[str]:
    nodes = [Processes(node.pid) for node in cluster.nats.nodes]
    for node in nodes:
        node.send(signal.SIGSTOP)
    try:
        yield prove(lambda: all(node.are_stopped() for node in nodes), "all nodes stand still")
    finally:
        for node in nodes:
            node.send(signal.SIGCONT)


@contextmanager
def _clickhouse_away(cluster: Cluster) -> Iterator[str]:
    there = cluster.shard_of_all
    there.turn(Fault.AWAY)
    try:
        yield prove(lambda: _refuses(there.replicas[0].url), "its port refuses connections")
    finally:
        there.turn(Fault.NONE)


def _refuses(url: str) -> bool:
    try:
        httpx.get(url, timeout=5)
    except httpx.ConnectError:
        return True
    return False


@contextmanager
def _without_gateway(cluster: Cluster) -> Iterator[str]:
    caddy = cluster.door.kill()
    yield prove(lambda: not caddy.is_running(), "Caddy ended by SIGKILL")
    cluster.door.start()


@contextmanager
def _clock_ahead(cluster: Cluster) -> Iterator[str]:
    service = cluster.services["command"]
    cluster.clock.write_text("+3600")
    try:
        yield prove(lambda: _ahead(service) > 3000, "command's Date is an hour ahead")
    finally:
        cluster.clock.write_text("+0")


def _ahead(service: Service) -> float:
    """Seconds that a service's clock is ahead of this process's."""
    told = parsedate_to_datetime(httpx.get(f"{service.url}/_livez", timeout=60).headers["date"])
    return told.timestamp() - time.time()


@contextmanager
def _full(cluster: Cluster, disk: Path) -> Iterator[str]:
    disks.fill(disk)
    try:
        yield prove(lambda: disks.is_full(disk), "a write there gets ENOSPC")
    finally:
        disks.enlarge(disk)
    cluster.single.start_again()


@contextmanager
def _failed_over(cluster: Cluster, driver: Driver, *, behind: bool) -> Iterator[str]:
    """behind: the standby lacks what was written last. What the stream does not have then would be
    lost for good, so everybody waits until it has all.
    """
    pair, head = cluster.pair, 0
    if behind:
        pair.hold_back()
        driver.work(60)
        driver.pause()
        until(lambda: driver.is_published(), "the stream has the whole log")
        head = driver.head()
    else:
        pair.wait_until_level()
    before = pair.primary
    pair.fail_over()
    driver.resume()
    if behind:
        known = pair.primary.ask("SELECT coalesce(max(notification_id), 0) FROM log")
        yield prove(lambda: known != head, f"the new primary begins with {known} of {head} facts")
    else:
        yield prove(lambda: before.child.has_ended, "the primary ended by SIGKILL")


Make = Callable[[Cluster, Driver], AbstractContextManager[str]]

FAULTS: Mapping[Name, Make] = {
    "command killed": lambda cluster, _: _killed(cluster.services["command"]),
    "command frozen": lambda cluster, _: _frozen_service(cluster, "command"),
    "command's cable hangs": lambda cluster, _: _on_the_cable(
        cluster, cluster.cable.hang, "the cable holds what came"
    ),
    "command's cable half open": lambda cluster, _: _on_the_cable(
        cluster, cluster.cable.half_open, "the cable holds answers"
    ),
    "command's cable is slow": lambda cluster, _: _on_the_cable(
        cluster, lambda: cluster.cable.slow(0.5), "each piece takes half a second"
    ),
    "query killed": lambda cluster, _: _killed(cluster.services["query"]),
    "query frozen": lambda cluster, _: _frozen_service(cluster, "query"),
    "projector killed": lambda cluster, _: _killed(cluster.services["projector"]),
    "projector frozen": lambda cluster, _: _frozen_service(cluster, "projector"),
    "PostgreSQL killed": lambda cluster, _: _without_postgres(cluster, politely=False),
    "PostgreSQL restarted": lambda cluster, _: _without_postgres(cluster, politely=True),
    "PostgreSQL frozen": lambda cluster, _: _frozen(cluster.single.processes, "PostgreSQL"),
    "NATS leader killed": lambda cluster, _: _without_leader(cluster),
    "NATS quorum lost": lambda cluster, _: _without_quorum(cluster),
    "NATS frozen": lambda cluster, _: _all_nodes_frozen(cluster),
    "ClickHouse away": lambda cluster, _: _clickhouse_away(cluster),
    "ClickHouse frozen": lambda cluster, _: _frozen(
        Processes(cluster.shard_of_all.process.pid), "ClickHouse"
    ),
    "gateway killed": lambda cluster, _: _without_gateway(cluster),
    "clock an hour ahead": lambda cluster, _: _clock_ahead(cluster),
    "disk full: PostgreSQL": lambda cluster, _: _full(cluster, cluster.disks / "postgres"),
    "disk full: NATS": lambda cluster, _: _full(cluster, cluster.disks / "nats"),
    "primary lost": lambda cluster, driver: _failed_over(cluster, driver, behind=False),
    "standby behind": lambda cluster, driver: _failed_over(cluster, driver, behind=True),
}

OF_PAIRS: tuple[Name, ...] = ("primary lost", "standby behind")
"""Faults that need a primary with its standby, and leave no standby."""


def _frozen_service(cluster: Cluster, name: str) -> AbstractContextManager[str]:
    return _frozen(cluster.services[name].processes, name)


def leader_of(cluster: Cluster, stream: str) -> str:
    """The name of the node that leads the stream."""
    found: list[str] = []
    until(lambda: bool(found) or asyncio.run(_asked(cluster, stream, found)), "there is a leader")
    return found[0]


async def _asked(cluster: Cluster, stream: str, found: list[str]) -> bool:
    try:
        bus = await connect_now(cluster.nats.url, "faults")
        try:
            told = await ask_jetstream(bus, f"STREAM.INFO.{stream}", {})
        finally:
            await bus.close()
    except StreamUnavailable:
        return False
    if leader := told["cluster"].get("leader"):
        found.append(leader)
    return bool(leader)
