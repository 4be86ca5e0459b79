"""/_livez, /_readyz and /metrics: alive, able to work, and how the work goes."""

import asyncio
import importlib.metadata
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from services.common.http.operations import AnswerDescription, RouteDescription, described, shows
from services.common.postgres.migrate import migrations
from services.common.tasks import describe

PATIENCE_SECONDS = 2.0

BUILD = Gauge(
    "recount_build_info",
    "Always 1: the version that runs, and the number of the newest tables it knows.",
    ["version", "schema"],
)
BUILD.labels(importlib.metadata.version("recount"), str(migrations()[-1].number)).set(1)

# A second series beside each counter and histogram, for the time that it was made at.
disable_created_metrics()  # type: ignore[no-untyped-call]


class PartDegraded(Exception):
    """The part does not work for everybody: said in the answer, which stays a 200."""


class NotReady(Exception):
    """The process can do none of its work: a gateway sends it nothing more."""


Check = Callable[[State], Awaitable[None]]


class PartCheck(msgspec.Struct, frozen=True):
    """run: raises PartDegraded and NotReady. essential: without this part the process can do
    nothing, so an error of its driver, or none of its answer, is as NotReady; else as PartDegraded.
    """

    run: Check
    essential: bool = False


class PartHealth(msgspec.Struct, frozen=True):
    """reason: why it is not ok."""

    status: Literal["ok", "degraded", "failing"]
    reason: str | None = None


class Health(msgspec.Struct, frozen=True):
    """The worst of the parts, and each of them."""

    status: Literal["ok", "degraded", "failing"]
    parts: dict[str, PartHealth]


READY = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=Health), 503: AnswerDescription(kind=Health)}
    )
)
METRICS = described(
    RouteDescription(answers={200: AnswerDescription(kind=str, media_type="text/plain")})
)


class Examination:
    """Runs every check, all at once, each with an end.

    One that does not answer in time is left behind, and not awaited: while a server is frozen, even
    the end of a question to it may wait for that server. It is asked anew once that has ended.
    """

    def __init__(self, checks: Mapping[str, PartCheck]) -> None:
        self._checks = checks
        self._running: dict[str, asyncio.Task[None]] = {}

    async def examine(self, state: State) -> Health:
        tasks = {name: self._task(name, state) for name in self._checks}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=PATIENCE_SECONDS)
        parts = {name: _health(self._checks[name], task) for name, task in tasks.items()}
        for task in tasks.values():
            task.cancel()
        statuses = {part.status for part in parts.values()}
        return Health(
            "failing" if "failing" in statuses else "degraded" if "degraded" in statuses else "ok",
            parts,
        )

    def _task(self, name: str, state: State) -> "asyncio.Task[None]":
        running = self._running.get(name)
        if running is None or running.done():
            running = asyncio.create_task(_run(self._checks[name], state), name=f"check {name}")
            self._running[name] = running
        return running


async def _run(check: PartCheck, state: State) -> None:
    await check.run(state)


def _health(check: PartCheck, task: "asyncio.Task[None]") -> PartHealth:
    silent: Literal["failing", "degraded"] = "failing" if check.essential else "degraded"
    if not task.done() or task.cancelled():
        return PartHealth(silent, f"no answer within {PATIENCE_SECONDS:g} s")
    match task.exception():
        case None:
            return PartHealth("ok")
        case PartDegraded() as why:
            return PartHealth("degraded", str(why))
        case NotReady() as why:
            return PartHealth("failing", str(why))
        case why:  # any driver's error is a reason to show
            return PartHealth(silent, describe(why))


def handlers(checks: Mapping[str, PartCheck]) -> list[BaseRouteHandler]:
    examination = Examination(checks)

    @get("/_livez", opt={"public": True, **shows(dict[str, str])})
    async def livez() -> dict[str, str]:
        """The process is alive and its loop turns."""
        return {"status": "ok"}

    @get("/_readyz", opt={"public": True, **READY})
    async def readyz(state: State) -> Response[bytes]:
        """200 while the process can do some of its work, with what it can't do; else 503."""
        health = await examination.examine(state)
        return Response(
            msgspec.json.encode(health),
            status_code=503 if health.status == "failing" else 200,
            media_type=MediaType.JSON,
        )

    @get("/metrics", opt={"public": True, **METRICS})
    async def metrics() -> Response[bytes]:
        """Prometheus."""
        # As a header: Litestar adds a charset to every media type that is text.
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [livez, readyz, metrics]
