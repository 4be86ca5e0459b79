"""Command, projector and query in this process on real servers, spoken to over HTTP.

Product events go straight into the engine; capture and the public stream have their own tests.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import msgspec
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from services.command import app as command
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.accounts.accounts import Organization, Project
from services.common.clickhouse import ClickHouse
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.postgres.database import Pool, pool
from services.projector import app as projector
from services.query import app as query
from services.query.settings import QuerySettings

PERSONS = UUID("00000000-0000-5000-8000-00000000000a")
SIGN_UP = {
    "kind": "InsightVizNode",
    "source": {
        "kind": "FunnelsQuery",
        "series": [
            {"kind": "EventsNode", "event": "signed_up"},
            {"kind": "EventsNode", "event": "paid"},
        ],
    },
}


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """One organization with a project, a foreign one with another.

    ada: a member with a key for everything, whose headers `client` sends.
    """

    app: Litestar
    pool: Pool
    client: AsyncClient
    organization: Organization
    project: Project
    foreign: Project
    ada: int
    clickhouse: ClickHouse

    @property
    def root(self) -> str:
        return f"/api/projects/{self.project.id}/"

    @property
    def insights(self) -> str:
        return f"{self.root}insights/"

    async def create(self, **fields: Any) -> dict[str, Any]:
        """An insight."""
        answer = await self.client.post(self.insights, json=fields)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def key(self, *scopes: str, user_id: int | None = None) -> dict[str, str]:
        """Headers of another key, of ada unless said otherwise."""
        issued = await administration.create_key(
            self.pool, user_id or self.ada, scopes=list(scopes) or ["*"]
        )
        return {"Authorization": f"Bearer {issued.key}"}

    async def member(self, email: str, level: int = 1) -> int:
        return await administration.create_user(
            self.pool, email, self.organization.id, first_name=email.split("@")[0], level=level
        )

    async def happened(self, *events: tuple[str, str, datetime], **properties: str) -> None:
        """(event, person, time), all with the same properties, visible at once."""
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


def application(database_url: str, nats_url: str, clickhouse_url: str) -> Litestar:
    settings = QuerySettings(database_url=database_url, clickhouse_url=clickhouse_url)
    return compose(
        [
            foundation(database_url),
            command.part(
                # Tests count facts: a seal comes when a test asks for it.
                CommandSettings(
                    database_url=database_url,
                    nats_url=nats_url,
                    relay=False,
                    reads_seal_seconds=3600,
                )
            ),
            projector.part(database_url),
            query.part(settings),
        ]
    )


@contextlib.asynccontextmanager
async def running(
    database_url: str, nats_url: str, clickhouse: ClickHouse, clickhouse_url: str
) -> AsyncIterator[Whole]:
    """clickhouse_url: of `clickhouse`, for the service to open it too."""
    async with pool(database_url) as connections:
        ours = await administration.create_organization(connections, "Ours")
        theirs = await administration.create_organization(connections, "Theirs")
        project = await administration.create_project(connections, ours.id, "Shop")
        foreign = await administration.create_project(connections, theirs.id, "Elsewhere")
        ada = await administration.create_user(
            connections, "ada@example.com", ours.id, first_name="Ada"
        )
        issued = await administration.create_key(connections, ada)
        app = application(database_url, nats_url, clickhouse_url)
        async with (
            app.lifespan(),
            AsyncClient(
                transport=ASGITransport(app=cast("Any", app), raise_app_exceptions=False),
                base_url="http://recount.test",
                headers={"Authorization": f"Bearer {issued.key}"},
            ) as client,
        ):
            yield Whole(
                app=app,
                pool=connections,
                client=client,
                organization=ours,
                project=project,
                foreign=foreign,
                ada=ada,
                clickhouse=clickhouse,
            )
