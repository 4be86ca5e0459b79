"""Background work: tasks that report their end, loops that outlive an outage, and ending them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from time import monotonic
from typing import Any, Never, TypeVar

from prometheus_client import Counter

from services.common.logs import logger

T = TypeVar("T")

log = logger("recount.tasks")

DIED = Counter("recount_tasks_died", "Background tasks that an error ended for good.", ["task"])

PASSED_OVER = Counter(
    "recount_passed_over",
    "Errors that went no further: an answer did without, or what failed was tried again.",
    ["where"],
)

_AGAIN_SECONDS = 0.2
_TELL_SECONDS = 30.0


def watched(name: str, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task that runs `work`. If an error ends it, the log says so at once, and DIED counts it.

    Its holder can ask `failure`, to tell who depends on it.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_death)
    return task


@contextlib.asynccontextmanager
async def background(name: str, work: Coroutine[Any, Any, T]) -> "AsyncIterator[asyncio.Task[T]]":
    """A watched task that runs while the block does."""
    task = watched(name, work)
    try:
        yield task
    finally:
        await stop(task)


async def every(
    seconds: float,
    work: Callable[[], Awaitable[object]],
    *,
    away: tuple[type[Exception], ...],
    rung: asyncio.Event | None = None,
    pause: float | None = None,
    first_after: float = 0.0,
) -> Never:
    """Do `work`, then again so many seconds after it ended, or as soon as `rung` is set, for ever.

    first_after: seconds before the first time.
    away: what `work` raises while a server is away. The log says so, and the work is tried again
    after `pause` seconds (None: after `seconds`), whatever rings. Any other error ends the loop.
    """
    bell = asyncio.Event() if rung is None else rung
    waiting = Waiting(_own_name())
    await asyncio.sleep(first_after)
    while True:
        bell.clear()
        try:
            await work()
        except away as cause:
            waiting.tell(cause)
            await asyncio.sleep(seconds if pause is None else pause)
        else:
            waiting = Waiting(_own_name())
            await ring_or(bell, seconds)


class Waiting:
    """What a task waits for, told to the log: when it changes, and now and then while it lasts."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._cause: str | None = None
        self._told_at = 0.0

    def tell(self, cause: Exception) -> None:
        text, now = describe(cause), monotonic()
        if text != self._cause or now - self._told_at >= _TELL_SECONDS:
            log.warning("task_waits", task=self._task, cause=text)
            self._cause, self._told_at = text, now


_told_at: dict[str, float] = {}


def pass_over(where: str, cause: BaseException) -> None:
    """An error that goes no further than here is counted, and now and then told to the log.

    where: one of a few texts.
    """
    PASSED_OVER.labels(where).inc()
    if monotonic() - _told_at.get(where, -_TELL_SECONDS) >= _TELL_SECONDS:
        _told_at[where] = monotonic()
        log.warning("passed_over", where=where, cause=describe(cause))


@contextlib.contextmanager
def passing_over(where: str, *kinds: type[BaseException]) -> Iterator[None]:
    """As contextlib.suppress, but it is told."""
    try:
        yield
    except kinds as cause:
        pass_over(where, cause)


async def ring_or(rung: asyncio.Event, seconds: float) -> bool:
    """Waits for the bell, so many seconds at the most; whether it rang."""
    try:
        async with asyncio.timeout(seconds):
            return await rung.wait()
    except TimeoutError:
        return False


def failure(task: "asyncio.Task[Any]") -> BaseException | None:
    """The error that ended the task; None while it runs, and once it ended as it should."""
    return task.exception() if task.done() and not task.cancelled() else None


async def stop(task: "asyncio.Task[Any]") -> None:
    """Cancel, and return when the task has ended; what it raised is left in it.

    Asks again, because before Python 3.12 `asyncio.wait_for`, which nats-py uses, loses a
    cancellation that arrives together with the result it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_SECONDS)


def describe(cause: BaseException) -> str:
    """Kind and message, for a log line: some errors have no message."""
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _own_name() -> str:
    task = asyncio.current_task()
    return "none" if task is None else task.get_name()


def _tell_death(task: "asyncio.Task[Any]") -> None:
    if (cause := failure(task)) is not None:
        DIED.labels(task.get_name()).inc()
        log.critical("task_died", task=task.get_name(), exc_info=cause)
