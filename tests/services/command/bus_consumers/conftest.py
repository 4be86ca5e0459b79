"""The command service with its relay, on a bus of its own, for the tests of a whole file.

The bus has one public stream, which is one log's: so tests share both, and keep to consumers of
their own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import nats
import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from nats.aio.client import Client
from nats.js.client import JetStreamContext
from nats.js.errors import ServiceUnavailableError

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.postgres.database import Pool, pool
from tests import servers
from tests.servers import NatsServer
from tests.waiting import seen

OWNER = 15
# What `happen` does, and not what managing consumers itself is.
ACTIONS = ["action.*"]


class BusWorld(msgspec.Struct, frozen=True, kw_only=True):
    """An organization with two projects; ada, its owner, with a key for everything.

    streams: what the operator's own connection sees. close: ends the service early.
    """

    app: Litestar
    bus: NatsServer
    settings: CommandSettings
    pool: Pool
    client: AsyncClient
    shop: Project
    other: Project
    ada: int
    streams: JetStreamContext
    close: Callable[[], Awaitable[None]]

    def path(self, project: Project | None = None) -> str:
        return f"/api/projects/{(project or self.shop).id}/bus_consumers/"

    async def make(self, project: Project | None = None, **fields: Any) -> dict[str, Any]:
        """A bus consumer, as its answer has it."""
        fields = {"name": "Billing", "types": ACTIONS, **fields}
        answer = await self.client.post(self.path(project), json=fields)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def get(self, made: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.get(f"{self.path()}{made['id']}/")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def patch(self, made: dict[str, Any], **fields: Any) -> Response:
        return await self.client.patch(f"{self.path()}{made['id']}/", json=fields)

    async def happen(self, count: int = 1, project: Project | None = None) -> list[str]:
        """So many facts; the names they tell."""
        names = [servers.unique("action ") for _ in range(count)]
        for name in names:
            path = f"/api/projects/{(project or self.shop).id}/actions/"
            answer = await self.client.post(path, json={"name": name})
            assert answer.status_code == 201, answer.text
        return names

    async def key_of(self, user_id: int) -> tuple[str, dict[str, str]]:
        """Another key, with its id: headers."""
        issued = await administration.create_key(self.pool, user_id)
        return issued.id, {"Authorization": f"Bearer {issued.key}"}

    async def administrator(self) -> int:
        email = f"{servers.unique('admin')}@example.com"
        return await administration.create_user(
            self.pool, email, self.shop.organization_id, level=8
        )

    async def stored(self) -> int:
        """How many messages the public stream has, once it has the whole log."""
        head = await self.app.state.store.head()
        info = await seen(
            lambda: self.streams.stream_info("INSIGHTS"), lambda told: told.state.last_seq >= head
        )
        return int(info.state.messages)


@asynccontextmanager
async def subscriber(made: dict[str, Any], **more: Any) -> AsyncIterator[Client]:
    """Connected as README tells a stranger to."""
    client = await nats.connect(
        made["url"],
        user=made["user"],
        password=made["password"],
        inbox_prefix=made["inbox_prefix"].encode(),
        **more,
    )
    try:
        yield client
    finally:
        await client.close()


async def greeted(url: str, user: str, password: str) -> str:
    """The bus's answer to a first connection: PONG, or its refusal.

    Without the library, which leaves the socket of a refused connection open.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        sent = {"user": user, "pass": password, "verbose": False, "pedantic": False}
        writer.write(b"CONNECT " + msgspec.json.encode(sent) + b"\r\nPING\r\n")
        async with asyncio.timeout(30):
            while (line := (await reader.readline()).decode().strip()).startswith("INFO"):
                pass
        return line
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def take(client: Client, made: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """So many facts, acknowledged, each with its subject on the bus; fails without them."""
    reading = await client.jetstream().pull_subscribe_bind(made["consumer"], made["stream"])
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            try:
                messages = await reading.fetch(count - len(found), timeout=2)
            except (nats.errors.TimeoutError, ServiceUnavailableError):
                # Nothing came, or its stream is being made anew.
                await asyncio.sleep(0.05)
                continue
            for message in messages:
                await message.ack_sync()
                found.append({**msgspec.json.decode(message.data), "bus": message.subject})
    await reading.unsubscribe()
    return found


def told_name(fact: dict[str, Any]) -> str:
    """Of the action that it tells of."""
    name: str = (fact.get("data") or fact.get("event") or {})["name"]
    return name


@pytest.fixture(scope="module")
def bus() -> Iterator[NatsServer]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running


@pytest.fixture(scope="module")
def log_url(databases: servers.Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture(scope="module")
async def world(log_url: str, bus: NatsServer) -> AsyncIterator[BusWorld]:
    async with running(settings_for(log_url, bus), bus) as opened:
        yield opened


def settings_for(database_url: str, bus: NatsServer, public_url: str = "") -> CommandSettings:
    return CommandSettings(
        database_url=database_url,
        nats_url=bus.url,
        nats_issuer=bus.issuer,
        nats_system_user=bus.system_user,
        nats_public_url=public_url,
    )


@asynccontextmanager
async def running(settings: CommandSettings, bus: NatsServer) -> AsyncIterator[BusWorld]:
    app = create_app(settings)
    operator = await nats.connect(bus.url)
    async with pool(settings.database_url) as connections, AsyncExitStack() as service:
        await service.enter_async_context(app.lifespan())
        ours = await administration.create_organization(connections, "Ours")
        ada = await administration.create_user(
            connections, "ada@example.com", ours.id, first_name="Ada", level=OWNER
        )
        shop = await administration.create_project(connections, ours.id, "Shop")
        other = await administration.create_project(connections, ours.id, "Other")
        issued = await administration.create_key(connections, ada)
        async with AsyncClient(
            transport=ASGITransport(app=cast("Any", app), raise_app_exceptions=False),
            base_url="http://recount.test",
            headers={"Authorization": f"Bearer {issued.key}"},
        ) as client:
            yield BusWorld(
                app=app,
                bus=bus,
                settings=settings,
                pool=connections,
                client=client,
                shop=shop,
                other=other,
                ada=ada,
                streams=operator.jetstream(),
                close=service.aclose,
            )
    await operator.close()


@pytest.fixture(autouse=True)
async def tidied(world: BusWorld) -> AsyncIterator[None]:
    """A project has so many consumers at most: each test ends its own."""
    yield
    for project in (world.shop, world.other):
        listed = await world.client.get(world.path(project))
        for one in listed.json()["results"]:
            ended = await world.client.delete(f"{world.path(project)}{one['id']}/")
            assert ended.status_code == 204, ended.text
