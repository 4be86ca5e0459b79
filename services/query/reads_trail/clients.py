"""Who is at the other end of a request: the address that a trusted proxy tells, and its name."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from litestar.types import Scope

from contracts.reads import printable
from services.common.http.proxies import TrustedProxies

LONGEST_CLIENT = 100

Headers = Iterable[tuple[bytes, bytes]]


def address(scope: Scope, proxies: TrustedProxies) -> str | None:
    """Of the last one on the way that is no proxy of ours; None where nothing tells it."""
    peer = scope.get("client")
    if peer is None:
        return None
    if not proxies or peer[0] not in proxies:
        return _spelled(peer[0])
    told = [name for name in _forwarded(scope["headers"]) if _spelled(name) is not None]
    for name in reversed(told):
        if name not in proxies:
            return _spelled(name)
    return _spelled(told[0] if told else peer[0])


def client_name(headers: Headers) -> str | None:
    """`x-posthog-client`, else the product token of User-Agent: `curl/8.5.0`."""
    own = agent = b""
    for name, value in headers:
        if name == b"x-posthog-client":
            own = value
        elif name == b"user-agent":
            agent = value
    found = own.strip() or agent.strip().partition(b" ")[0]
    return printable(found.decode("latin-1"), LONGEST_CLIENT) or None


def _forwarded(headers: Headers) -> list[str]:
    told = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return [name.strip().decode("latin-1") for name in told.split(b",") if name.strip()]


@lru_cache(4096)
def _spelled(host: str) -> str | None:
    """One spelling of an address; None for what is none, as a socket's path."""
    try:
        return ip_address(host).compressed
    except ValueError:
        return None
