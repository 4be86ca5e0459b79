"""Events on the road that captured ones take, and the numbers that a project shows of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.product_events import CapturedEvent, JsonObject
from services.common.bus import connect_bus
from tests.services.projector.product_events.setup import SECOND, Servers, event
from tests.whole import Whole

_HOUR = timedelta(hours=1)
FUNNEL: dict[str, Any] = {"events": [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}]}


def happened(
    name: str, who: str, ago: timedelta = _HOUR, *, properties: JsonObject | None = None
) -> CapturedEvent:
    """ago: from now; less than nothing lies ahead."""
    at = int((datetime.now(UTC) - ago).timestamp() * SECOND)
    return event(name, who, at=at, properties=properties)


class Live(msgspec.Struct, frozen=True):
    """All services, and a projector of product events that stores when it is told to."""

    whole: Whole
    servers: Servers

    async def arrives(self, *events: CapturedEvent) -> int:
        """They are visible, and their marks moved; their position."""
        position = await self.servers.send(events, self.whole.project.id)
        await self.servers.projector().follow(until=position)
        return position

    async def funnel(self, headers: dict[str, str] | None = None, **filters: Any) -> dict[str, Any]:
        """As the funnel's own endpoint answers, which blocks unless told otherwise."""
        answer = await self.whole.client.post(
            f"{self.whole.root}insights/funnel/", json={**FUNNEL, **filters}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def grows_old(self, age: str = "1 hour") -> None:
        """Whatever is kept was computed so much earlier."""
        async with self.whole.pool.connection() as conn:
            await conn.execute(
                "UPDATE results SET started_at = started_at - %(age)s::interval,"
                " last_refresh = last_refresh - %(age)s::interval",
                {"age": age},
            )

    async def is_kept(self, **filters: Any) -> bool:
        """Whether an old result is shown again, instead of being computed."""
        await self.grows_old()
        return bool((await self.funnel(**filters))["is_cached"])

    async def computations(self) -> int:
        async with self.whole.pool.connection() as conn:
            row = await (await conn.execute("SELECT count(*) FROM jobs")).fetchone()
        return int(row[0]) if row else 0


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["result"]]


@asynccontextmanager
async def live(whole: Whole, url: str, nats_url: str, prefix: str) -> AsyncIterator[Live]:
    bus = await connect_bus(nats_url, "test")
    try:
        yield Live(whole, Servers(url, bus, whole.clickhouse, prefix))
    finally:
        await bus.close()
