"""Bus consumers, wired: their routes, and what lets subscribers in, cuts them off and keeps
JetStream's consumers in line. Every process of the command service does all of it.
"""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar

from services.command.bus_callout import Callout
from services.command.bus_consumers import routes
from services.command.bus_consumers.connections import Connections
from services.command.bus_consumers.credentials import Credentials
from services.command.bus_consumers.service import Bus, BusConsumers, public_url
from services.command.bus_consumers.upkeep import Upkeep
from services.command.settings import CommandSettings
from services.common.accounts.accounts import CHANNEL
from services.common.bus import connect_bus, entered_as
from services.common.http.app import ServicePart, from_state
from services.common.log.store import BELL_CHANNEL
from services.common.nkeys import AccountKey, InvalidSeed
from services.common.postgres.bell import Bell
from services.common.settings import InvalidSettings
from services.common.tasks import background


def part(settings: CommandSettings) -> ServicePart:
    """Stands on the command service's own part, after those that wait for the bus.

    Raises InvalidSettings for a seed that is none.
    """
    issuer = _issuer(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        state = app.state
        async with contextlib.AsyncExitStack() as opened:
            bus = None
            if issuer is not None:
                bus = await opened.enter_async_context(_running(app, settings, issuer))
            state.bus_consumers = BusConsumers(state.pool, state.store, state.accounts, bus)
            yield

    return ServicePart(
        handlers=routes.HANDLERS,
        dependencies={"bus_consumers": from_state("bus_consumers")},
        lifespans=[lifespan],
    )


@contextlib.asynccontextmanager
async def _running(
    app: Litestar, settings: CommandSettings, issuer: AccountKey
) -> AsyncIterator[Bus]:
    pool, store = app.state.pool, app.state.store
    credentials = Credentials(pool, store, issuer)
    client = await connect_bus(settings.nats_url, "bus consumers")
    try:
        entrance = entered_as(settings.nats_url, settings.nats_system_user)
        system = await connect_bus(entrance, "bus connections")
        try:
            connections = Connections(system, credentials)
            upkeep = Upkeep(pool, store, client)
            accounts_bell = Bell(settings.database_url, CHANNEL)
            log_bell = Bell(settings.database_url, BELL_CHANNEL)
            with accounts_bell.listener() as account_changed, log_bell.listener() as log_grown:
                async with (
                    accounts_bell.listening(),
                    log_bell.listening(),
                    Callout(client, credentials, issuer).answering(),
                    background("bus connections", connections.watch(account_changed)),
                    background("bus consumers", upkeep.watch()),
                    background("bus facts", upkeep.follow(log_grown, connections.cut_dead)),
                ):
                    url = public_url(settings.nats_url, settings.nats_public_url)
                    yield Bus(url, credentials, connections, upkeep)
        finally:
            await system.close()
    finally:
        await client.close()


def _issuer(settings: CommandSettings) -> AccountKey | None:
    if not settings.nats_issuer:
        return None
    if ":" not in settings.nats_system_user:
        raise InvalidSettings("…_NATS_SYSTEM_USER: user:password, as NATS_ISSUER needs it")
    try:
        return AccountKey(settings.nats_issuer)
    except InvalidSeed as cause:
        raise InvalidSettings(f"…_NATS_ISSUER: {cause}") from cause
