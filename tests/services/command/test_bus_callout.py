"""The bus without the command service: who is in goes on, and others come in once it is back."""

from services.command.app import create_app
from services.command.settings import CommandSettings
from tests import servers
from tests.services.command.bus_consumers.conftest import greeted, running, subscriber, take


async def test_while_nobody_answers_those_who_are_in_stay_and_others_wait_outside(
    postgres_url: str,
) -> None:
    with servers.server_folder() as folder, servers.nats_server(folder) as bus:
        settings = CommandSettings(
            database_url=postgres_url,
            nats_url=bus.url,
            nats_issuer=bus.issuer,
            nats_system_user=bus.system_user,
        )
        async with running(settings, bus) as world:
            made = await world.make()
            user, password = made["user"], made["password"]
            await world.happen(4)
            await world.stored()
            async with subscriber(made) as client:
                await take(client, made, 1)
                await world.close()
                said = await greeted(made["url"], user, password)
                assert said.startswith("-ERR 'Auth"), said
                await take(client, made, 3)
                assert client.stats["reconnects"] == 0
            async with create_app(settings).lifespan():
                assert await greeted(made["url"], user, password) == "PONG"
