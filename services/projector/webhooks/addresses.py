"""aiohttp's resolver, which finds no forbidden address: asked at every new connection."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.common.webhooks.destinations import Destinations, Lookup, look_up, permitted


class PermittedAddresses(AbstractResolver):
    """secure: whether it resolves for https. lookup: of names; the system's unless a test says
    otherwise.

    aiohttp asks no resolver for literal addresses: `check_literal` is for those.
    """

    def __init__(
        self, destinations: Destinations, *, secure: bool, lookup: Lookup = look_up
    ) -> None:
        self._destinations = destinations
        self._scheme = "https" if secure else "http"
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises ForbiddenAddress when none is left."""
        url = URL.build(scheme=self._scheme, host=host, port=port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await permitted(url, self._destinations, self._lookup)
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]

    async def close(self) -> None:
        pass


async def check_literal(url: URL, destinations: Destinations) -> None:
    """Raises ForbiddenAddress for a URL whose host is an address that nothing may be sent to."""
    host = url.host or ""
    if ":" in host or host.replace(".", "").isdigit():
        await permitted(url, destinations)
