"""Waiting for what another process does: on a condition, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Returns as soon as it holds; fails by name when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s until {what}"
        time.sleep(0.02)


async def seen(
    look: Callable[[], Awaitable[T]], is_so: Callable[[T], bool], seconds: float = PATIENCE_SECONDS
) -> T:
    """What was seen when it was so; TimeoutError when it was not within `seconds`."""
    async with asyncio.timeout(seconds):
        found = await look()
        while not is_so(found):
            await asyncio.sleep(0.02)
            found = await look()
        return found
