"""/_livez, /_readyz and /metrics: alive, able to work, and how the work goes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.common.http.operations import AnswerDescription, RouteDescription, described, shows

PATIENCE_SECONDS = 3.0


class PartDegraded(Exception):
    """The part works, but not for everybody: said in the answer, which stays a 200."""


class NotReady(Exception):
    """The part can't do its work now."""


Check = Callable[[State], Awaitable[None]]


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


async def examine(checks: Mapping[str, Check], state: State) -> Health:
    """Runs every check, all at once, each with an end."""
    names = list(checks)
    found = await asyncio.gather(*(_examine(checks[name], state) for name in names))
    statuses = {part.status for part in found}
    return Health(
        "failing" if "failing" in statuses else "degraded" if "degraded" in statuses else "ok",
        dict(zip(names, found, strict=True)),
    )


async def _examine(check: Check, state: State) -> PartHealth:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await check(state)
    except PartDegraded as why:
        return PartHealth("degraded", str(why))
    except TimeoutError:
        return PartHealth("failing", f"no answer within {PATIENCE_SECONDS:g} s")
    except Exception as why:  # any driver's error is a reason to show
        return PartHealth("failing", f"{type(why).__name__}: {why}")
    return PartHealth("ok")


def handlers(checks: Mapping[str, Check]) -> list[BaseRouteHandler]:
    @get("/_livez", opt={"public": True, **shows(dict[str, str])})
    async def livez() -> dict[str, str]:
        """The process is alive and its loop turns."""
        return {"status": "ok"}

    @get("/_readyz", opt={"public": True, **READY})
    async def readyz(state: State) -> Response[bytes]:
        """Every part reachable and caught up: 200; else 503 with the reasons."""
        health = await examine(checks, state)
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
