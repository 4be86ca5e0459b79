"""Work on what came from outside, and is large, without holding up the event loop.

In a thread Python takes turns with the loop; what no turn can interrupt are single calls into C, so
whatever is worked on has bounds of its own (`bounds`, and those of each door).
"""

import asyncio
import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Work on less data is done before a thread would have been woken.
LARGE_BYTES: Final = 64 * 1024
# Few, so that large requests wait for each other and not everybody for them, and so that no more
# than these take memory for their parts at the same time.
_THREADS: Final = 2

# From this size on the allocator returns free memory to the system.
_HUGE_BYTES: Final = 1024 * 1024
_RETURN_AFTER_SECONDS: Final = 2.0

_workers = ThreadPoolExecutor(_THREADS, thread_name_prefix="large")


async def work(size: int, do: Callable[..., T], *arguments: Any) -> T:
    """The value of `do(*arguments)`, or its exception. size: of the data that it works on, in
    bytes.
    """
    if size <= LARGE_BYTES:
        return do(*arguments)
    try:
        return await asyncio.get_running_loop().run_in_executor(_workers, do, *arguments)
    finally:
        if size >= _HUGE_BYTES:
            _return_memory_soon()


def _return_memory_soon() -> None:
    """glibc keeps what threads freed for their next allocations, and each thread has its own."""
    global _returning
    if _trim is None or _returning:
        return
    _returning = True
    loop = asyncio.get_running_loop()
    # Later, when the request and its body are gone, too.
    loop.call_later(_RETURN_AFTER_SECONDS, lambda: loop.run_in_executor(_workers, _return_memory))


def _return_memory() -> None:
    global _returning
    _returning = False
    if _trim is not None:
        _trim(0)


def _find_trim() -> Callable[[int], int] | None:
    """None where the allocator is not glibc's."""
    if sys.platform != "linux":
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found


_trim = _find_trim()
_returning = False
