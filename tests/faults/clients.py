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
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/projects/{project}/", headers=key, timeout=TIMEOUT_SECONDS
        )

    async def ask(
        self, promise: Promise, method: str, path: str, **more: Any
    ) -> httpx.Response | None:
        """The answer; None: the connection broke, or nobody answered."""
        try:
            answer = await self._http.request(method, path, **more)
        except httpx.TransportError:
            self._gaps.failed(promise)
            await asyncio.sleep(AGAIN_SECONDS)
            return None
        if answer.status_code >= 500:
            self._gaps.failed(promise)
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            self._gaps.kept(promise)
        return answer

    async def pause(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE_SECONDS))

    def key(self) -> str:
        """An Idempotency-Key, or a uuid."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    async def close(self) -> None:
        await self._http.aclose()
