"""Clients who edit the same insights at once, and what each of them saw that must not be.

An insight's name is a number. An edit reads it, and writes the next number with the ETag it has
read: whoever loses an update, or makes one twice, makes the last number a wrong one. Every write
has an Idempotency-Key, and is sent again until its outcome is known, even by another server.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import msgspec

PATIENCE_SECONDS = 120.0
REMEMBERED = 50


class Write(msgspec.Struct, frozen=True):
    """An edit that was acknowledged: what was sent, and the version and number it was answered."""

    insight: int
    body: dict[str, str]
    headers: dict[str, str]
    version: int
    number: int


class Seen(msgspec.Struct):
    """What all clients know together.

    requests: that were answered. edits: acknowledged ones, by insight. violations: sentences.
    """

    budget: int
    requests: int = 0
    conflicts: int = 0
    repeats: int = 0
    stale: int = 0
    in_doubt: int = 0
    created: int = 0
    edits: dict[int, list[Write]] = msgspec.field(default_factory=lambda: defaultdict(list))
    violations: list[str] = []

    @property
    def spent(self) -> bool:
        return self.requests >= self.budget


class Client:
    """One client: it never sees an insight go back, nor without what it has written itself."""

    def __init__(self, url: str, key: str, insights: list[int], seen: Seen, seed: int) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/projects/1/insights/",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )
        self._insights = insights
        self._seen = seen
        self._random = random.Random(seed)
        self._name = f"c{seed}"
        self._versions: dict[int, int] = {}
        self._position = 0
        self._mine: list[Write] = []

    async def run(self) -> None:
        """Until the budget of all is spent."""
        async with self._http:
            while not self._seen.spent:
                # A few insights have most of the edits.
                place = int(self._random.random() ** 2 * len(self._insights))
                insight = self._insights[place]
                match self._random.random():
                    case chance if chance < 0.55:
                        await self._edit(insight)
                    case chance if chance < 0.70:
                        await self._read(insight)
                    case chance if chance < 0.80:
                        await self._list(insight)
                    case chance if chance < 0.95:
                        await self._repeat()
                    case _:
                        await self._create()

    async def _edit(self, insight: int) -> None:
        read = await self._read(insight)
        number = int(read.json()["name"])
        headers = {"If-Match": read.headers["etag"], "Idempotency-Key": self._key()}
        body = {"name": str(number + 1)}
        answer = await self._send("PATCH", f"{insight}/", headers, body)
        if answer.status_code == 412:
            self._seen.conflicts += 1
            return
        if answer.status_code != 200:
            self._wrong(f"PATCH of {insight} was answered {answer.status_code}: {answer.text}")
            return
        version, known = version_of(answer), version_of(read)
        if answer.json()["name"] != body["name"] or version != known + 1:
            self._wrong(
                f"an edit of {insight} at version {known} to {body['name']} was answered with"
                f" {answer.json()['name']} at version {version}"
            )
        write = Write(insight, body, headers, version, number + 1)
        self._seen.edits[insight].append(write)
        self._mine = [*self._mine, write][-REMEMBERED:]
        self._look(insight, answer)

    async def _read(self, insight: int) -> httpx.Response:
        answer = await self._send("GET", f"{insight}/", self._known())
        if answer.status_code != 200:
            raise AssertionError(f"GET of {insight}: {answer.status_code} {answer.text}")
        self._look(insight, answer)
        return answer

    async def _list(self, insight: int) -> None:
        """In a list, too, an insight is as new as this client has seen it."""
        answer = await self._send(
            "GET", "?basic=true&limit=1000&tags=%5B%22hot%22%5D", self._known()
        )
        names = {each["id"]: int(each["name"]) for each in answer.json()["results"]}
        newest = max((write.number for write in self._mine if write.insight == insight), default=0)
        if self._is_fresh(answer) and names[insight] < newest:
            self._wrong(f"a list shows {names[insight]} for {insight} after a write of {newest}")

    async def _repeat(self) -> None:
        """A write of some time ago, sent again with its key: the first answer, no second effect."""
        if not self._mine:
            return
        write = self._random.choice(self._mine)
        self._seen.repeats += 1
        if self._random.random() < 0.1:
            other = {"name": write.body["name"], "description": "another body"}
            answer = await self._send("PATCH", f"{write.insight}/", write.headers, other)
            if answer.status_code != 422:
                self._wrong(f"a key with another body was answered {answer.status_code}")
            return
        answer = await self._send("PATCH", f"{write.insight}/", write.headers, write.body)
        if answer.status_code != 200 or (version_of(answer), answer.json()["name"]) != (
            write.version,
            write.body["name"],
        ):
            self._wrong(
                f"a repeat of the edit of {write.insight} to version {write.version} was answered"
                f" {answer.status_code} at {answer.headers.get('etag')}"
            )

    async def _create(self) -> None:
        """Made once, however often it is asked for."""
        headers = {"Idempotency-Key": self._key()}
        body = {"name": "0", "tags": ["made"]}
        first = await self._send("POST", "", headers, body)
        again = await self._send("POST", "", headers, body)
        self._seen.repeats += 1
        self._seen.created += 1
        if (first.status_code, again.status_code) != (201, 201):
            self._wrong(f"a creation was answered {first.status_code}, {again.status_code}")
        elif first.json()["id"] != again.json()["id"]:
            self._wrong(f"one creation made {first.json()['id']} and {again.json()['id']}")

    def _look(self, insight: int, answer: httpx.Response) -> None:
        version = version_of(answer)
        if self._is_fresh(answer) and version < self._versions.get(insight, 0):
            self._wrong(
                f"{insight} was seen at version {self._versions[insight]}, then at {version}"
            )
        self._versions[insight] = max(version, self._versions.get(insight, 0))
        self._position = max(self._position, int(answer.headers["insights-position"]))

    def _known(self) -> dict[str, str]:
        """Half of the reads say what their client has seen; the others are fresh without that."""
        if self._random.random() < 0.5:
            return {}
        return {"Insights-Position": str(self._position)}

    def _is_fresh(self, answer: httpx.Response) -> bool:
        """An answer may be older than the last write only if it says so, to who did not insist."""
        if answer.headers.get("insights-stale") != "true":
            return True
        self._seen.stale += 1
        if "insights-position" in answer.request.headers:
            self._wrong("an answer is stale although its client said what it has seen")
        return False

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: Any = None
    ) -> httpx.Response:
        """Sent until it is answered: a server that is not there, or not able, is asked again."""
        deadline, lost = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            try:
                answer = await self._http.request(method, path, headers=dict(headers), json=body)
            except httpx.TransportError:
                lost = True
            else:
                if answer.status_code not in (409, 503):
                    self._seen.requests += 1
                    self._seen.in_doubt += lost and method != "GET"
                    return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} had no answer in {PATIENCE_SECONDS:g} s")
            await asyncio.sleep(0.05)

    def _key(self) -> str:
        return str(UUID(int=self._random.getrandbits(128)))

    def _wrong(self, what: str) -> None:
        self._seen.violations.append(f"{self._name}: {what}")


def version_of(answer: httpx.Response) -> int:
    """The version in an ETag `"7-3f2a…"`."""
    return int(answer.headers["etag"].strip('"').partition("-")[0])
