"""A client of the gateway: one request, with the outcome that a client can know."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx

from tests.faults.operations import Gaps, Promise

# As clients have it: longer than a service keeps anybody waiting.
TIMEOUT_SECONDS = 60.0
# Between two operations of one client.
PAUSE_SECONDS = 0.05
AGAIN_SECONDS = 0.2


class Client:
    """One client with a plan of its own, made of the run's seed and its name."""

    def __init__(
        self, url: str, key: dict[str, str], gaps: Gaps, seed: int, name: str, project: int = 1
    ) -> None:
        self.name = name
        self.chance = random.Random(f"{seed} {name}")
        self._gaps = gaps
        self._http = httpx.AsyncClient(base_url=url, headers=key, timeout=TIMEOUT_SECONDS)
        self._project = f"/api/projects/{project}/"

    async def ask(
        self, promise: Promise | None, method: str, path: str, **more: Any
    ) -> httpx.Response | None:
        """The answer; None: the connection broke, or nobody answered.

        promise: that an answer keeps; None: it says nothing of one. path: in the project, unless it
        begins with a slash.
        """
        where = path if path.startswith("/") else self._project + path
        try:
            answer = await self._http.request(method, where, **more)
        except httpx.TransportError:
            answer = None
        keeps = answer is not None and answer.status_code < 500
        if promise is not None:
            (self.kept if keeps else self.failed)(promise)
        if not keeps:
            await asyncio.sleep(AGAIN_SECONDS)
        return answer

    def kept(self, promise: Promise) -> None:
        self._gaps.kept(promise)

    def failed(self, promise: Promise) -> None:
        self._gaps.failed(promise)

    async def pause(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE_SECONDS))

    def key(self) -> str:
        """An Idempotency-Key, or a uuid."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    async def close(self) -> None:
        await self._http.aclose()
