"""Ending background tasks."""

import asyncio
from typing import Any

_AGAIN_SECONDS = 0.2


async def stop(task: "asyncio.Task[Any]") -> None:
    """Cancel, and return when the task has ended; what it raised is left in it.

    Asks again, because before Python 3.12 `asyncio.wait_for`, which nats-py uses, loses a
    cancellation that arrives together with the result it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_SECONDS)
