"""An owner who asks for erasures, and a process that does them when a test says so."""

from datetime import timedelta
from typing import Any

import httpx

from contracts.events.recorded import Actor
from services.command.accounts.chains import Chains, Speaker
from services.command.accounts.service import AccountWrites
from services.command.audit.places import Places
from services.command.audit.running import Erasing
from services.common.bus import connect_bus
from services.common.log.store import EventStore
from services.projector.app import projections
from services.projector.runner import ProjectionRunner
from tests.services.command.conftest import World

TEXT = "Zerafina"


class Killed(BaseException):
    """As if the process died there."""


class Asking:
    """An owner. Nothing is done until the test says so."""

    def __init__(self, world: World, url: str, nats_url: str) -> None:
        self.world = world
        self.url = url
        self.nats_url = nats_url
        self.root = f"/api/projects/{world.project.id}/"

    async def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return await self.world.client.post(f"{self.root}{path}", json=body, **more)

    async def get(self, path: str) -> Any:
        answer = await self.world.client.get(f"{self.root}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def insight(self, **fields: Any) -> int:
        made = await self.post("insights/", fields)
        assert made.status_code == 201, made.text
        number: int = made.json()["id"]
        return number

    async def refused(self, status: int, code: str, **asked: Any) -> dict[str, Any]:
        answer = await self.post("audit/erasures/", asked)
        body: dict[str, Any] = answer.json()
        assert (answer.status_code, body["code"]) == (status, code), body
        return body

    async def asked(self, **asked: Any) -> int:
        answer = await self.post("audit/erasures/", asked)
        assert answer.status_code == 202, answer.text
        number: int = answer.json()["id"]
        return number

    async def project(self) -> None:
        async with EventStore.open(self.url) as store:
            for each in projections():
                await ProjectionRunner(each, store, self.world.pool).catch_up()

    async def go_on(self, crash: str | None = None, waiting: timedelta = timedelta(0)) -> None:
        """A process that does erasures, as far as it comes; it dies at `crash`. waiting: how long
        for what is on its way.
        """

        def crash_at(point: str) -> None:
            if point == crash:
                raise Killed(point)

        bus = await connect_bus(self.nats_url, "test")
        async with EventStore.open(self.url) as store:
            chains = Chains(self.world.pool, store)

            async def erase_user(user_id: int, actor: Actor) -> None:
                await AccountWrites(chains, Speaker(actor)).erase_user(user_id)

            places = Places(
                store,
                self.world.pool,
                self.url,
                bus,
                erase_user,
                prefix="none",
                answers_until=waiting,
                crash_at=crash_at,
            )
            try:
                await Erasing(store, self.world.pool, places, crash_at).go_on()
            finally:
                await bus.close()

    async def again_and_again(self, crash: str | None = None) -> None:
        for _ in range(3):
            await self.go_on(crash)
            await self.project()

    async def log_has(self, text: str) -> bool:
        async with self.world.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT count(*) FROM log WHERE strpos(lower(convert_from(state, 'UTF8')), %s) > 0",
                (text.lower(),),
            )
            row = await cursor.fetchone()
        return row is not None and row[0] > 0
