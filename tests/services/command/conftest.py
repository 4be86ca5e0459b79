"""The command service alone, on a real PostgreSQL, spoken to over HTTP."""

from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.postgres.database import Pool, pool
from tests.servers import NatsServer


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Two projects of one organization, one of another; a member with a key for everything."""

    app: Litestar
    pool: Pool
    client: AsyncClient
    project: Project
    foreign: Project
    user_id: int
    key: str

    @property
    def insights(self) -> str:
        return f"/api/projects/{self.project.id}/insights/"

    async def key_with(self, *scopes: str) -> dict[str, str]:
        """Headers of another key of the same user."""
        issued = await administration.create_key(self.pool, self.user_id, scopes=list(scopes))
        return {"Authorization": f"Bearer {issued.key}"}


@pytest.fixture
async def world(postgres_url: str, shared_bus: NatsServer) -> AsyncIterator[World]:
    app = create_app(
        CommandSettings(
            database_url=postgres_url,
            nats_url=shared_bus.url,
            nats_issuer=shared_bus.issuer,
            nats_system_user=shared_bus.system_user,
            relay=False,
            erase=False,
        )
    )
    async with pool(postgres_url) as connections, app.lifespan():
        ours = await administration.create_organization(connections, "Ours")
        theirs = await administration.create_organization(connections, "Theirs")
        user_id = await administration.create_user(
            connections, "ada@example.com", ours.id, first_name="Ada"
        )
        project = await administration.create_project(connections, ours.id, "Shop")
        foreign = await administration.create_project(connections, theirs.id, "Elsewhere")
        issued = await administration.create_key(connections, user_id)
        async with AsyncClient(
            transport=ASGITransport(app=cast("Any", app), raise_app_exceptions=False),
            base_url="http://recount.test",
            headers={"Authorization": f"Bearer {issued.key}"},
        ) as client:
            yield World(
                app=app,
                pool=connections,
                client=client,
                project=project,
                foreign=foreign,
                user_id=user_id,
                key=issued.key,
            )
