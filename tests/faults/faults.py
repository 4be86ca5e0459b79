"""The faults, each with the proof that it took effect; a cell without that proof counts as failed.

A fault lasts while its block runs, and is over when the block has ended: what was killed stands
again, what was frozen goes on.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

from contracts.subjects import FACTS_STREAM
from services.common.stream import StreamUnavailable, ask_jetstream, connect_now
from tests.faults.cluster import Cluster, Processes, Service, runs
from tests.waiting import until

Name = Literal[
    "command killed",
    "command frozen",
    "command's cable hangs",
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
def _hanging(cluster: Cluster) -> Iterator[str]:
    cluster.cable.hang()
    try:
        yield prove(
            lambda: cluster.cable.held + cluster.cable.refused > 0,
            "the cable of command 2 has held bytes",
        )
    finally:
        cluster.cable.mend()


@contextmanager
def _without_postgres(cluster: Cluster, *, politely: bool) -> Iterator[str]:
    database = cluster.database
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


FAULTS: Mapping[Name, Callable[[Cluster], AbstractContextManager[str]]] = {
    "command killed": lambda cluster: _killed(cluster.services["command"]),
    "command frozen": lambda cluster: _frozen_service(cluster, "command"),
    "command's cable hangs": _hanging,
    "query killed": lambda cluster: _killed(cluster.services["query"]),
    "query frozen": lambda cluster: _frozen_service(cluster, "query"),
    "projector killed": lambda cluster: _killed(cluster.services["projector"]),
    "projector frozen": lambda cluster: _frozen_service(cluster, "projector"),
    "PostgreSQL killed": lambda cluster: _without_postgres(cluster, politely=False),
    "PostgreSQL restarted": lambda cluster: _without_postgres(cluster, politely=True),
    "PostgreSQL frozen": lambda cluster: _frozen(cluster.database.processes, "PostgreSQL"),
    "NATS leader killed": _without_leader,
    "NATS quorum lost": _without_quorum,
    "NATS frozen": _all_nodes_frozen,
}


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
