"""Concurrency over HTTP: many clients on the same insights, and a server that is killed meanwhile.

python -m tests.e2e.concurrency --operations 100000

Holds: no update is lost and none is made twice (If-Match, Idempotency-Key), also when the answer to
a write was lost with the server; every client reads what it has written, and never an older insight
than it has seen; activity tells each edit once.
"""

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import httpx
import msgspec

from tests import servers
from tests.contracts.schemathesis_run import new_key
from tests.e2e.clients import Client, Seen, version_of
from tests.embedded.recount_process import RECOUNT, Served, free_port, serving
from tests.waiting import until

CLIENTS = 32
INSIGHTS = 12
SECONDS_BETWEEN_KILLS = (5.0, 20.0)


class Verdict(msgspec.Struct, frozen=True):
    """What came of a run. violations: sentences; none when all holds."""

    seen: Seen
    kills: int
    violations: list[str]

    def told(self) -> str:
        seen = self.seen
        edits = sum(map(len, seen.edits.values()))
        lines = [
            f"{seen.requests} requests, {edits} edits, {seen.conflicts} conflicts,"
            f" {seen.repeats} repeats, {seen.created} creations, {seen.in_doubt} writes in doubt,"
            f" {seen.stale} answers said to be stale, {self.kills} kills:"
            f" {len(self.violations)} violations",
            *self.violations[:20],
        ]
        return "\n".join(lines)


class Restarted:
    """A server on one folder and one port, that can be killed and comes back."""

    def __init__(self, data: Path, program: Sequence[str]) -> None:
        self._data = data
        self._port = free_port()
        self._program = program
        self._serving = self._start()
        self.served = self._serving.__enter__()

    def _start(self) -> AbstractContextManager[Served]:
        return serving(self._data, "--no-demo", port=self._port, program=self._program)

    def kill(self) -> None:
        """kill -9, and a new start; returns when it is ready."""
        self.served.end(signal.SIGKILL)
        self._serving.__exit__(None, None, None)
        self._serving = self._start()
        self.served = self._serving.__enter__()

    def close(self) -> None:
        self._serving.__exit__(None, None, None)


@contextmanager
def restarted(program: Sequence[str]) -> Iterator[tuple[Restarted, str]]:
    """The server, and a key for everything."""
    with servers.server_folder() as folder:
        server = Restarted(folder / "data", program)
        try:
            yield server, new_key(folder / "data")
        finally:
            server.close()


def run(
    operations: int, *, seed: int, kills: int | None = None, program: Sequence[str] = RECOUNT
) -> Verdict:
    """kills: at most so many; None: all the time."""
    with restarted(program) as (server, key):
        return asyncio.run(_run(server, key, operations, seed, kills))


async def _run(
    server: Restarted, key: str, operations: int, seed: int, kills: int | None
) -> Verdict:
    url = server.served.url
    seen = Seen(budget=operations)
    async with httpx.AsyncClient(
        base_url=f"{url}/api/projects/1/insights/",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    ) as http:
        first = [await _made(http) for _ in range(INSIGHTS)]
        numbers = [number for number, _ in first]
        clients = [Client(url, key, numbers, seen, seed + n) for n in range(CLIENTS)]
        killing = asyncio.create_task(_kill(server, seen, random.Random(seed), kills))
        await asyncio.gather(*(client.run() for client in clients))
        done = await killing
        violations = list(seen.violations)
        for number, version in first:
            violations += await _settled(http, number, version, seen)
        violations += await _created(http, seen)
    return Verdict(seen, done, violations)


async def _made(http: httpx.AsyncClient) -> tuple[int, int]:
    """Number and version of a new insight."""
    answer = await http.post("", json={"name": "0", "tags": ["hot"]})
    answer.raise_for_status()
    return int(answer.json()["id"]), version_of(answer)


async def _kill(server: Restarted, seen: Seen, chance: random.Random, most: int | None) -> int:
    """How many kills there were when the clients had done their work."""
    kills = 0
    while not seen.spent:
        if most is None:
            await asyncio.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
        else:
            # Spread over the run, however fast the machine is.
            goal = seen.budget * (kills + 1) // (most + 1)
            await asyncio.to_thread(_reached, seen, goal)
        if seen.spent or kills == most:
            break
        await asyncio.to_thread(server.kill)
        kills += 1
    return kills


def _reached(seen: Seen, requests: int) -> None:
    until(lambda: seen.requests >= requests, f"{requests} requests were answered", 300)


async def _settled(http: httpx.AsyncClient, insight: int, version: int, seen: Seen) -> list[str]:
    """What is wrong with an insight when all is over. version: its first."""
    answer = await http.get(f"{insight}/")
    edits = seen.edits[insight]
    wrong = []
    if (name := int(answer.json()["name"])) != len(edits):
        wrong.append(f"{len(edits)} edits of {insight} were acknowledged, and its number is {name}")
    if (last := version_of(answer)) != version + len(edits):
        wrong.append(f"{len(edits)} edits of {insight} went from version {version} to {last}")
    if len({write.version for write in edits}) != len(edits):
        wrong.append(f"two edits of {insight} were acknowledged at one version")
    position = {"Insights-Position": answer.headers["insights-position"]}
    activity = await http.get(f"{insight}/activity/?all=true&limit=1", headers=position)
    if (told := activity.json()["total_count"]) != len(edits) + 1:
        wrong.append(f"activity tells {told} entries of {insight}, which had {len(edits)} edits")
    return wrong


async def _created(http: httpx.AsyncClient, seen: Seen) -> list[str]:
    answer = await http.get("?basic=true&limit=1&tags=%5B%22made%22%5D")
    if (count := answer.json()["count"]) != seen.created:
        return [f"{seen.created} creations made {count} insights"]
    return []


@click.command()
@click.option("--operations", default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(operations: int, seed: int) -> None:
    """Exits with 1 when anything does not hold."""
    verdict = run(operations, seed=seed)
    click.echo(verdict.told())
    raise SystemExit(bool(verdict.violations))


if __name__ == "__main__":
    main()
