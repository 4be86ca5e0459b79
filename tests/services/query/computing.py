"""The computing half of the query service on real servers; events go straight into the engine."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import msgspec
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from services.common import administration
from services.common.accounts import Project
from services.common.app import compose
from services.common.clickhouse import ClickHouse
from services.common.database import Pool, pool
from services.common.foundation import foundation
from services.query import computing
from services.query.settings import QuerySettings

PERSONS = UUID("00000000-0000-5000-8000-00000000000a")


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    app: Litestar
    pool: Pool
    client: AsyncClient
    project: Project
    clickhouse: ClickHouse

    @property
    def root(self) -> str:
        return f"/api/projects/{self.project.id}/"

    async def happened(
        self, events: Sequence[tuple[str, str, datetime]], **properties: str
    ) -> None:
        """(event, person, time) as rows; all with the same properties."""
        count = len(events)
        await self.clickhouse.insert(
            "events",
            {
                "team_id": [self.project.id] * count,
                "event": [event for event, _, _ in events],
                "timestamp": [at for _, _, at in events],
                "uuid": [uuid4() for _ in events],
                "distinct_id": [person for _, person, _ in events],
                "person_id": [uuid5(PERSONS, person) for _, person, _ in events],
                "properties": [msgspec.json.encode(properties).decode()] * count,
                "sent": ["{}"] * count,
                "inserted_at": [datetime.now(UTC)] * count,
            },
        )


@contextlib.asynccontextmanager
async def running(database_url: str, clickhouse: ClickHouse, url: str) -> AsyncIterator[Engine]:
    """url: of `clickhouse`, to open it again in the service."""
    app = compose(
        [
            foundation(database_url),
            computing.part(QuerySettings(database_url=database_url, clickhouse_url=url)),
        ]
    )
    async with pool(database_url) as connections:
        organization = await administration.create_organization(connections, "Ours")
        project = await administration.create_project(connections, organization.id, "Shop")
        user_id = await administration.create_user(connections, "ada@example.com", organization.id)
        issued = await administration.create_key(connections, user_id)
        async with (
            app.lifespan(),
            AsyncClient(
                transport=ASGITransport(app=cast("Any", app), raise_app_exceptions=False),
                base_url="http://recount.test",
                headers={"Authorization": f"Bearer {issued.key}"},
            ) as client,
        ):
            yield Engine(
                app=app,
                pool=connections,
                client=client,
                project=project,
                clickhouse=clickhouse,
            )


def ago(**delta: float) -> datetime:
    return datetime.now(UTC) - timedelta(**delta)
