"""What clients do while faults happen: each by a random plan, each operation remembered.

A workload is a client of its own; several of one kind meet at the same insights.
"""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Protocol

import httpx
import msgspec

from contracts.headers import IF_MATCH, INSIGHTS_POSITION, INSIGHTS_STALE
from services.projector.app import rebuildable
from services.projector.rebuild import RebuildResult
from tests.e2e.clients import version_of
from tests.faults.capturing import Captured, CaptureHistory
from tests.faults.clients import AGAIN_SECONDS, Client
from tests.faults.operations import Creation, Edit, Outcome, Promise, Read, View, outcome
from tests.faults.shadows import compared


class Histories(msgspec.Struct):
    """What all workloads of a run did, in the order in which it was begun."""

    edits: list[Edit] = []
    creations: list[Creation] = []
    views: list[View] = []
    reads: list[Read] = []
    rebuilt: list[RebuildResult] = []
    events: CaptureHistory = msgspec.field(default_factory=CaptureHistory)

    def outcomes(self) -> list[Outcome]:
        """Of every write, and every captured event."""
        written: list[Edit | Creation | View | Captured] = [
            *self.edits,
            *self.creations,
            *self.views,
            *self.events.captured,
        ]
        return [each.outcome for each in written]


class Workload(Protocol):
    """step: one operation of the plan. settle: called when all is well again."""

    async def step(self) -> None: ...

    async def settle(self) -> None: ...


class Registers:
    """Renames the insights that it shares with others, each for the version that it has read."""

    def __init__(self, client: Client, insights: Sequence[int], done: Histories) -> None:
        self._client = client
        self._insights = insights
        self._edits = done.edits
        self._position = 0
        self._times = 0

    async def step(self) -> None:
        client = self._client
        insight = client.chance.choice(self._insights)
        seen = {INSIGHTS_POSITION: str(self._position)} if client.chance.random() < 0.5 else {}
        read = await client.ask("reads", "GET", f"insights/{insight}/", headers=seen)
        if read is None or read.status_code != 200:
            return
        self._times += 1
        edit = Edit(
            insight=insight,
            mark=f"{client.name}.{self._times}",
            expected=version_of(read),
            outcome="doubtful",
        )
        self._edits.append(edit)
        answer = await client.ask(
            "changes",
            "PATCH",
            f"insights/{insight}/",
            json={"name": edit.mark},
            headers={IF_MATCH: read.headers["etag"]},
        )
        edit.outcome = outcome(answer)
        edit.status = None if answer is None else answer.status_code
        if answer is not None and answer.is_success:
            edit.version = version_of(answer)
            self._position = max(self._position, int(answer.headers[INSIGHTS_POSITION]))

    async def settle(self) -> None:
        """Nobody knows of the doubtful ones but the log."""


class Creations:
    """Creates insights, half of them with an Idempotency-Key."""

    def __init__(self, client: Client, done: Histories) -> None:
        self._client = client
        self._creations = done.creations
        self._times = 0
        self._mine: list[Creation] = []

    async def step(self) -> None:
        client = self._client
        self._times += 1
        key = client.key() if client.chance.random() < 0.5 else None
        creation = Creation(mark=f"{client.name}.{self._times}", key=key)
        self._creations.append(creation)
        self._mine.append(creation)
        await self._send(creation)
        if key is not None and client.chance.random() < 0.2:
            await self._send(creation)

    async def settle(self) -> None:
        """What has a key is sent until it is acknowledged."""
        for creation in self._mine:
            while creation.key is not None and creation.outcome == "doubtful":
                await self._send(creation)

    async def _send(self, creation: Creation) -> None:
        headers = {} if creation.key is None else {"Idempotency-Key": creation.key}
        answer = await self._client.ask(
            "changes", "POST", "insights/", json={"name": creation.mark}, headers=headers
        )
        if creation.outcome != "acknowledged":
            creation.outcome = outcome(answer)


class Views:
    """Looks at insights, which is counted."""

    def __init__(self, client: Client, insights: Sequence[int], done: Histories) -> None:
        self._client = client
        self._insights = insights
        self._views = done.views

    async def step(self) -> None:
        insight = self._client.chance.choice(self._insights)
        answer = await self._client.ask("changes", "POST", f"insights/{insight}/viewed/")
        self._views.append(View(insight, outcome(answer)))

    async def settle(self) -> None:
        """What is doubtful stays so."""


class OwnWrites:
    """Renames an insight of its own, and reads it at once."""

    def __init__(self, client: Client, insight: int, done: Histories) -> None:
        self._client = client
        self._insight = insight
        self._edits = done.edits
        self._reads = done.reads
        self._times = 0
        self._version: int | None = None

    async def step(self) -> None:
        client, path = self._client, f"insights/{self._insight}/"
        written = await self._write(path)
        if written is None:
            return
        for position in (True, False):
            headers = {INSIGHTS_POSITION: written.headers[INSIGHTS_POSITION]} if position else {}
            promise: Promise = "own writes" if position else "reads"
            read = await client.ask(promise, "GET", path, headers=headers)
            if read is not None and read.status_code == 200:
                self._reads.append(
                    Read(
                        insight=self._insight,
                        wrote=version_of(written),
                        version=version_of(read),
                        position=position,
                        stale=read.headers.get(INSIGHTS_STALE) == "true",
                    )
                )

    async def _write(self, path: str) -> httpx.Response | None:
        """The answer of an acknowledged one."""
        self._times += 1
        mark = f"{self._client.name}.{self._times}"
        answer = await self._client.ask("changes", "PATCH", path, json={"name": mark})
        version = version_of(answer) if answer is not None and answer.is_success else None
        # Nobody else writes here; the version before it is not asked for.
        edit = Edit(insight=self._insight, mark=mark, expected=-1, outcome=outcome(answer))
        edit.version = version
        self._edits.append(edit)
        return answer if version is not None else None

    async def settle(self) -> None:
        """Nobody knows of the doubtful ones but the log."""


class Rebuilds:
    """Rebuilds one read model after the other, beside the live ones."""

    def __init__(self, url: str, done: Histories) -> None:
        self._url = url
        self._rebuilt = done.rebuilt
        self._models = itertools.cycle(rebuildable())

    async def step(self) -> None:
        if (result := await compared(self._url, next(self._models))) is not None:
            self._rebuilt.append(result)
        await asyncio.sleep(AGAIN_SECONDS)

    async def settle(self) -> None:
        """The last one of all comes after it."""


class Plan(msgspec.Struct, frozen=True):
    """How many clients of each kind there are, and how many insights they meet at.

    captures, funnels: where the deployment has a ClickHouse.
    """

    registers: int = 3
    creations: int = 2
    views: int = 2
    own_writes: int = 2
    rebuilds: int = 1
    captures: int = 2
    funnels: int = 1
    insights: int = 3


async def created(client: Client) -> int:
    """The number of a new insight; asked for until there is one."""
    while True:
        headers = {"Idempotency-Key": client.key()}
        answer = await client.ask(
            "changes", "POST", "insights/", json={"name": client.name}, headers=headers
        )
        if answer is not None and answer.status_code == 201:
            return int(answer.json()["id"])
        await asyncio.sleep(AGAIN_SECONDS)
