"""The query service, wired: the only place that knows which parts it has."""

from litestar import Litestar

from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.query import computing, reading
from services.query.settings import QuerySettings


def part(settings: QuerySettings) -> ServicePart:
    """This service's part of an application that stands on `foundation`."""
    halves = (reading.part(settings), computing.part(settings))
    return ServicePart(
        handlers=[handler for half in halves for handler in half.handlers],
        dependencies={name: give for half in halves for name, give in half.dependencies.items()},
        refusals={kind: answer for half in halves for kind, answer in half.refusals.items()},
        errors={kind: answer for half in halves for kind, answer in half.errors.items()},
        lifespans=[lifespan for half in halves for lifespan in half.lifespans],
        checks={name: check for half in halves for name, check in half.checks.items()},
    )


def create_app(settings: QuerySettings) -> Litestar:
    """The service as a process of its own."""
    return compose(
        [foundation(settings.database_url, settings.budgets(), settings.proxies()), part(settings)],
        max_body_bytes=settings.max_body_bytes,
    )
