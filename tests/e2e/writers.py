"""Clients who write until their server is killed, and remember what was acknowledged.

Every write can be told from all others in the log: by a name that nobody else uses, or by its place
among the switches and the views of an insight that only its writer touches.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

import httpx
import msgspec

Kind = Literal["create", "rename", "switch", "view"]


class Write(msgspec.Struct, kw_only=True):
    """insight: None: a new one. mark: the name it gives, if any. key: its Idempotency-Key.

    acknowledged: else it is in doubt; without a key nobody will know until the log is read.
    """

    kind: Kind
    insight: int | None
    mark: str
    body: dict[str, Any] | None
    key: str | None
    acknowledged: bool = False


class Writer:
    """One client with an insight of its own. all: what it wrote, or tried to.

    on_acknowledged: called after each answer.
    """

    def __init__(self, number: int, on_acknowledged: Callable[[], None]) -> None:
        self._on_acknowledged = on_acknowledged
        self._chance = random.Random(number)
        self._number = number
        self.all: list[Write] = []
        self.insight: int | None = None
        self._shared = False

    async def run(self, url: str, headers: dict[str, str]) -> None:
        """Until the server is gone."""
        async with httpx.AsyncClient(
            base_url=f"{url}/api/projects/1/insights/", headers=headers, timeout=60
        ) as http:
            try:
                await self._begin(http)
                while True:
                    await self._send(http, self._next())
            except httpx.TransportError:
                return

    async def settle(self, http: httpx.AsyncClient) -> None:
        """Ask again for what is in doubt and has a key: from then on it is acknowledged."""
        for write in self.all:
            if write.key is not None and not write.acknowledged:
                await self._send(http, write)

    async def _begin(self, http: httpx.AsyncClient) -> None:
        await self.settle(http)
        if self.insight is None:
            await self._send(http, self._written("create", None, self._key()))
            self.insight = next(write.insight for write in self.all if write.acknowledged)
        answer = await http.get(f"{self.insight}/sharing/")
        answer.raise_for_status()
        self._shared = answer.json()["enabled"]

    def _next(self) -> Write:
        kind: Kind = self._chance.choice(("create", "rename", "rename", "switch", "view"))
        key = self._key() if kind != "view" and self._chance.random() < 0.5 else None
        return self._written(kind, None if kind == "create" else self.insight, key)

    def _written(self, kind: Kind, insight: int | None, key: str | None) -> Write:
        mark = f"{self._number}.{len(self.all)}"
        body: dict[str, Any] | None = {"name": mark}
        if kind == "switch":
            body = {"enabled": not self._shared}
        elif kind == "view":
            body = None
        write = Write(kind=kind, insight=insight, mark=mark, body=body, key=key)
        self.all.append(write)
        return write

    async def _send(self, http: httpx.AsyncClient, write: Write) -> None:
        """Raises TransportError: nobody knows whether it was done."""
        method, path = _request(write)
        headers = {} if write.key is None else {"Idempotency-Key": write.key}
        answer = await http.request(method, path, json=write.body, headers=headers)
        assert answer.status_code == (201 if method == "POST" else 200), answer.text
        write.acknowledged = True
        self._on_acknowledged()
        match write.kind:
            case "create":
                write.insight = answer.json()["id"]
            case "switch":
                self._shared = answer.json()["enabled"]
            case "rename" | "view":
                pass

    def _key(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128)))


def _request(write: Write) -> tuple[str, str]:
    """Method and path below the insights."""
    match write.kind:
        case "create":
            return "POST", ""
        case "rename":
            return "PATCH", f"{write.insight}/"
        case "switch":
            return "PATCH", f"{write.insight}/sharing/"
        case "view":
            return "POST", f"{write.insight}/viewed/"


class Expected(msgspec.Struct, frozen=True):
    """How often a write may be there. least: acknowledged ones; most: with those in doubt."""

    least: "Counter[tuple[str, object]]"
    most: "Counter[tuple[str, object]]"


def expected(writers: list[Writer]) -> Expected:
    """By kind, and by name (created, renamed) or by insight (switch, view)."""
    least: Counter[tuple[str, object]] = Counter()
    most: Counter[tuple[str, object]] = Counter()
    for write in (write for writer in writers for write in writer.all):
        named = write.kind in ("create", "rename")
        what = (write.kind, write.mark if named else write.insight)
        least[what] += write.acknowledged
        most[what] += 1
    return Expected(least, most)
