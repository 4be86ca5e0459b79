"""A line that is written while a request is answered says for which operation, and no secret."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from litestar import post
from litestar.di import NamedDependency

from services.common import logs
from services.common.accounts import administration
from services.common.http.app import ServicePart, compose
from services.common.http.body import as_json
from services.common.http.caller import Caller
from services.common.http.foundation import foundation
from services.common.http.request import AnyRequest
from services.common.logs import logger
from services.common.postgres.database import pool

PASSWORD = "correct-horse-battery"


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What a process writes while the test runs."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(logs.formatter(terminal=False))
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


@pytest.fixture
async def key(postgres_url: str) -> str:
    async with pool(postgres_url) as connections:
        ours = await administration.create_organization(connections, "Ours")
        await administration.create_project(connections, ours.id, "One")
        user = await administration.create_user(connections, "ada@example.com", ours.id)
        return (await administration.create_key(connections, user)).key


@post("/api/projects/{project:str}/defect")
async def fails(request: AnyRequest, caller: NamedDependency[Caller]) -> None:
    logging.getLogger("library").warning("somebody else's line")
    raise RuntimeError(f"{caller.team_id}: {(await as_json(request)).decode()}")


async def test_a_line_tells_its_operation_and_correlation_and_no_secret(
    postgres_url: str, key: str, written: StringIO
) -> None:
    app = compose([foundation(postgres_url), ServicePart(handlers=[fails])])
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    correlation, named = str(uuid4()), list[str]()
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        for headers in ({"X-Correlation-Id": correlation}, {}):
            answer = await http.post(
                "/api/projects/1/defect/",
                headers=headers,
                json={"personal_api_key": key, "password": PASSWORD},
            )
            assert answer.status_code == 500
            named.append(answer.headers["Request-Id"])
            # In the same task, as the client runs the application itself.
            logger("recount.test").warning("task_waits", task="none")

    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        *("somebody else's line", "request_failed", "task_waits"),
        *("somebody else's line", "request_failed", "task_waits"),
    ]
    library, first, outside, _, second, outside_too = lines
    assert first["route"] == "POST /api/projects/{project}/defect"
    assert "RuntimeError" in first["exception"]
    assert first["correlation_id"] == correlation
    assert library["operation_id"] == first["operation_id"] != correlation
    # Without a correlation of the client's, the request has one of its own.
    assert second["correlation_id"] == named[1] != correlation
    assert first["operation_id"] != second["operation_id"]
    assert first["project"] == second["project"] == 1
    for line in (outside, outside_too):
        assert line.keys().isdisjoint({"operation_id", "correlation_id"})
    assert key not in written.getvalue()
    assert PASSWORD not in written.getvalue()
