"""The capture doors over HTTP, with the projector behind them, on real servers."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar

from services.command.capture import app as capture
from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.postgres.database import pool
from services.projector.product_events import part as ingesting


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A project that takes events, and what queries see of it."""

    app: Litestar
    client: AsyncClient
    clickhouse: ClickHouse
    project: Project

    @property
    def token(self) -> str:
        return self.project.api_token

    def event(self, name: str = "visit", distinct_id: str = "anna", **more: Any) -> dict[str, Any]:
        """As a client sends it by itself, with the token."""
        return {"api_key": self.token, "event": name, "distinct_id": distinct_id, **more}

    def batch(self, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"api_key": self.token, "batch": list(events), **more}

    async def post(self, path: str, body: object, **options: Any) -> Response:
        return await self.client.post(path, content=msgspec.json.encode(body), **options)

    async def rows(self, after: Response, text: str) -> Sequence[tuple[Any, ...]]:
        """Of a statement, once the events of this answer are visible."""
        position = after.headers["Ingest-Position"]
        reached = await self.client.get("/i/position", params={"reach": position, "wait": 20})
        assert reached.json()["reached"] is True
        return await self.clickhouse.query(Statement(text, {}))

    async def names(self, after: Response) -> list[str]:
        """Of all stored events, sorted."""
        return [name for (name,) in await self.rows(after, "SELECT event FROM events ORDER BY 1")]


@pytest.fixture
async def shop(
    postgres_url: str,
    nats_url: str,
    stream_prefix: str,
    clickhouse: ClickHouse,
    clickhouse_url: str,
) -> AsyncIterator[Shop]:
    app = compose(
        [
            foundation(postgres_url),
            capture.part(nats_url, prefix=stream_prefix),
            ingesting.part(postgres_url, nats_url, clickhouse_url, prefix=stream_prefix),
        ]
    )
    async with pool(postgres_url) as connections, app.lifespan():
        organization = await administration.create_organization(connections, "Ours")
        project = await administration.create_project(connections, organization.id, "Shop")
        async with AsyncClient(
            transport=ASGITransport(app=cast("Any", app), raise_app_exceptions=False),
            base_url="http://recount.test",
            timeout=60,
        ) as client:
            yield Shop(app=app, client=client, clickhouse=clickhouse, project=project)


@pytest.fixture
def clickhouse_url(server_folder: Path, clickhouse: ClickHouse) -> str:
    """Of the database that `clickhouse` is open on."""
    return f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
