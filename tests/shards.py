"""Shards of ClickHouse for tests: stand-ins as processes, with a switch for each replica."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path

import httpx
import msgspec

from tests.embedded.recount_process import ROOT, free_port
from tests.waiting import until


class Fault(StrEnum):
    """What may be wrong with a replica.

    AWAY: nothing answers, connections end. FROZEN: it takes connections and says nothing.
    READ_ONLY: writes fail with 242. TOO_FEW: with 285. UNKNOWN_BEFORE, UNKNOWN_AFTER: with 319,
    before and after they were made. CUT: an answer's body ends after some bytes.
    """

    NONE = "none"
    AWAY = "away"
    FROZEN = "frozen"
    READ_ONLY = "read only"
    TOO_FEW = "too few"
    UNKNOWN_BEFORE = "unknown before"
    UNKNOWN_AFTER = "unknown after"
    CUT = "cut"


class Switch(msgspec.Struct, frozen=True):
    """times: how often it is so, then no more (of AWAY and FROZEN: until switched off). into: the
    table whose writes fail; empty: all writes.
    """

    fault: Fault = Fault.NONE
    times: int | None = None
    cut_after: int = 0
    into: str = ""


class Replica(msgspec.Struct, frozen=True):
    """One port of a shard. url: for ClickHouse's clients."""

    url: str
    control: str

    def turn(
        self, fault: Fault, *, times: int | None = None, cut_after: int = 0, into: str = ""
    ) -> None:
        switch = msgspec.json.encode(Switch(fault, times, cut_after, into))
        httpx.post(self.control, content=switch, timeout=60).raise_for_status()

    def statements(self) -> int:
        """How many it was sent since its start."""
        return int(httpx.get(self.control, timeout=60).text)


class Shard(msgspec.Struct, frozen=True):
    process: "subprocess.Popen[bytes]"
    replicas: list[Replica]

    @property
    def url(self) -> str:
        """Of all replicas."""
        return ",".join(replica.url for replica in self.replicas)

    def turn(self, fault: Fault) -> None:
        for replica in self.replicas:
            replica.turn(fault)


def url_of(shards: list[Shard]) -> str:
    """As CLICKHOUSE_URL names them."""
    return ";".join(shard.url for shard in shards)


@contextmanager
def shard(folder: Path, replicas: int = 2) -> Iterator[Shard]:
    """A stand-in on the folder, ready; killed afterwards."""
    control = free_port()
    ports = [free_port() for _ in range(replicas)]
    words = [sys.executable, "-m", "tests.clickhouse_server", str(folder), str(control)]
    with subprocess.Popen([*words, *map(str, ports)], env={"PYTHONPATH": str(ROOT)}) as process:
        started = Shard(
            process,
            [
                Replica(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}/{number}")
                for number, port in enumerate(ports)
            ],
        )
        try:
            until(partial(_answers, started), "ClickHouse's stand-in answers")
            yield started
        finally:
            process.kill()


@contextmanager
def shards(folder: Path, count: int, replicas: int = 2) -> Iterator[list[Shard]]:
    """Several, below the folder."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(shard(folder / f"shard-{number}", replicas))
            for number in range(1, count + 1)
        ]


def _answers(shard: Shard) -> bool:
    assert shard.process.poll() is None, "the stand-in has ended"
    try:
        return httpx.get(f"{shard.replicas[0].control}").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
