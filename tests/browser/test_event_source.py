"""A browser's EventSource on a stream of facts: it follows, is dropped, comes back by itself."""

import asyncio
import json
import os
from typing import Any

import pytest
from selenium.webdriver import Chrome

from contracts.events.insight import InsightRenamed
from tests.browser.chromium import CHROMIUM, DRIVER, browser
from tests.examples import created
from tests.services.query.streams.streaming import Streaming, streaming_service
from tests.waiting import seen

pytestmark = [
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
        reason="chromium and chromedriver are not installed",
    ),
    pytest.mark.timeout(240),
]

FOLLOW = """
window.told = [];
window.source = new EventSource(arguments[0]);
for (const type of ["insight.created.v1", "insight.renamed.v1"]) {
  source.addEventListener(type, event => told.push([event.lastEventId, event.data]));
}
source.addEventListener("open", () => { window.opened = (window.opened || 0) + 1; });
"""


async def test_event_source_follows_and_resumes(postgres_url: str) -> None:
    async with streaming_service(postgres_url) as service:
        await service.projector.append(created())
        page: Chrome
        with browser(width=400, height=300) as page:
            await asyncio.to_thread(page.get, f"{service.url}/_livez")
            key = service.keys["alice"]
            url = f"/api/projects/1/facts/stream/?after=0&personal_api_key={key}"
            await asyncio.to_thread(page.execute_script, FOLLOW, url)
            await told(page, 1)
            await service.projector.append(InsightRenamed("a", None))
            await told(page, 2)
            drop(service)
            for name in ("b", "c"):
                await service.projector.append(InsightRenamed(name, None))
            found = await told(page, 4)
            assert [data.encode() for _, data in found] == await service.events()
            assert [cursor.partition("-")[0] for cursor, _ in found] == ["1", "2", "3", "4"]
            assert await asyncio.to_thread(page.execute_script, "return opened") == 2
            await asyncio.to_thread(page.execute_script, "source.close()")


def drop(service: Streaming) -> None:
    """Every connection, without a word."""
    for connection in list(service.server.server_state.connections):
        connection.transport.abort()


async def told(page: Chrome, count: int) -> list[Any]:
    async def look() -> list[Any]:
        text = await asyncio.to_thread(page.execute_script, "return JSON.stringify(told)")
        found: list[Any] = json.loads(text)
        return found

    return await seen(look, lambda found: len(found) >= count)
