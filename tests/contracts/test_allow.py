"""OPTIONS and 405 name every method of a path, whichever service is asked."""

import re
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from services.command import app as command
from services.command.settings import CommandSettings
from services.embedded.composition import application
from services.query import app as query
from services.query.settings import QuerySettings
from tests.contracts.test_openapi import Urls

# Not opened: no server is asked for anything.
COMPOSED = application(Urls())
NOWHERE = "postgresql://nowhere"
ALONE = {
    "command": command.create_app(CommandSettings(database_url=NOWHERE, nats_url="nats://nowhere")),
    "query": query.create_app(QuerySettings(database_url=NOWHERE, clickhouse_url="chdb://x")),
}


def methods(app: Litestar) -> dict[str, set[str]]:
    """By path, as its routes have them, and HEAD where there is GET."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        found.setdefault(_asked(route.path), set()).update(getattr(route, "methods", ()))
    return {
        path: names | {"OPTIONS"} | ({"HEAD"} if "GET" in names else set())
        for path, names in found.items()
    }


def _asked(path: str) -> str:
    return re.sub(r"{\w+:(\w+)}", lambda place: _VALUES.get(place[1], "7"), path)


_VALUES = {"uuid": "00000000-0000-0000-0000-000000000001", "path": "a/b"}
EVERYWHERE = methods(COMPOSED)


async def told(app: Litestar, method: str, path: str) -> tuple[int, set[str]]:
    async with AsyncClient(
        transport=ASGITransport(app=cast("Any", app)), base_url="http://recount.test"
    ) as client:
        answer = await client.request(method, path)
    allowed = answer.headers.get("allow", "")
    return answer.status_code, {name.strip() for name in allowed.split(",") if name.strip()}


@pytest.mark.parametrize("path", sorted(EVERYWHERE))
async def test_options_of_the_composed_application_names_every_method(path: str) -> None:
    status, allowed = await told(COMPOSED, "OPTIONS", path)
    assert status in (200, 204)
    assert allowed == EVERYWHERE[path]


@pytest.mark.parametrize("path", sorted(EVERYWHERE))
async def test_405_of_the_composed_application_names_every_method(path: str) -> None:
    status, allowed = await told(COMPOSED, "TRACE", path)
    assert (status, allowed) == (405, EVERYWHERE[path])


@pytest.mark.parametrize("service", ALONE)
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
async def test_a_service_alone_names_the_methods_of_the_others_too(
    service: str, method: str
) -> None:
    app = ALONE[service]
    paths = [path for path in methods(app) if path.startswith(("/api/", "/shared/", "/embedded/"))]
    assert len(paths) > 20
    for path in paths:
        assert (await told(app, method, path))[1] == EVERYWHERE[path], path


async def test_no_path_has_no_methods() -> None:
    assert await told(COMPOSED, "OPTIONS", "/api/nowhere/") == (404, set())
