"""Erasures and legal holds, wired. Every process of the command service takes and does them."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar

from contracts.events.recorded import Actor
from services.command.accounts.chains import Chains, Speaker
from services.command.accounts.service import AccountWrites
from services.command.audit import routes
from services.command.audit.erasures import Erasures
from services.command.audit.holds import Holds
from services.command.audit.places import Places
from services.command.audit.running import Erasing
from services.command.settings import CommandSettings
from services.common.bus import connect_bus
from services.common.http.app import ServicePart, from_state
from services.common.tasks import background


def part(settings: CommandSettings) -> ServicePart:
    """Stands on the command service's own part."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        state = app.state
        state.erasures = Erasures(state.store, state.pool, state.accounts)
        state.holds = Holds(state.store, state.pool, state.accounts)
        if not settings.erase:
            yield
            return
        bus = await connect_bus(settings.nats_url, "erasures")
        try:
            chains = Chains(state.pool, state.store)

            async def erase_user(user_id: int, actor: Actor) -> None:
                await AccountWrites(chains, Speaker(actor)).erase_user(user_id)

            places = Places(state.store, state.pool, settings.database_url, bus, erase_user)
            async with background("erasures", Erasing(state.store, state.pool, places).run()):
                yield
        finally:
            await bus.close()

    return ServicePart(
        handlers=routes.HANDLERS,
        dependencies={"erasures": from_state("erasures"), "holds": from_state("holds")},
        lifespans=[lifespan],
    )
