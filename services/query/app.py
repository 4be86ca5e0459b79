"""The query service, wired: the only place that knows which parts it has."""

from litestar import Litestar

from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.common.http.presence import present
from services.common.http.proxies import NOBODY, TrustedProxies
from services.query import computing, reading, recording, streaming
from services.query.settings import QuerySettings


def part(settings: QuerySettings, proxies: TrustedProxies = NOBODY) -> ServicePart:
    """This service's part of an application that stands on `foundation`."""
    parts = (
        recording.part(settings, proxies),
        reading.part(settings),
        computing.part(settings),
        streaming.part(settings),
    )
    return ServicePart(
        handlers=[handler for each in parts for handler in each.handlers],
        dependencies={name: give for each in parts for name, give in each.dependencies.items()},
        refusals={kind: answer for each in parts for kind, answer in each.refusals.items()},
        errors={kind: answer for each in parts for kind, answer in each.errors.items()},
        lifespans=[lifespan for each in parts for lifespan in each.lifespans],
        checks={name: check for each in parts for name, check in each.checks.items()},
        recorders=[recorder for each in parts for recorder in each.recorders],
    )


def create_app(settings: QuerySettings) -> Litestar:
    """The service as a process of its own."""
    return compose(
        [
            present(settings.database_url, "query"),
            foundation(settings.database_url, settings.budgets(), settings.proxies()),
            part(settings, settings.proxies()),
        ],
        max_body_bytes=settings.max_body_bytes,
        request_seconds=settings.request_seconds,
    )
