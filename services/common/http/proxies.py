"""Behind proxies: who the client is, and which scheme and host it asked for, as only trusted ones
may say.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from services.common.http.request import AnyRequest

EVERYBODY = "*"


class TrustedProxies:
    """Addresses and networks, parted by commas; `*`: every address; empty: none.

    Raises ValueError for what is neither.
    """

    def __init__(self, spelled: str) -> None:
        names = [name.strip() for name in spelled.split(",") if name.strip()]
        self._all = EVERYBODY in names
        self._networks = [ip_network(name) for name in names if name != EVERYBODY]

    def __bool__(self) -> bool:
        return self._all or bool(self._networks)

    def __contains__(self, host: str) -> bool:
        if self._all:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


NOBODY = TrustedProxies("")
_NETWORK_BITS = 64


def behind(trusted: TrustedProxies) -> Callable[[ASGIApp], ASGIApp]:
    """Around the application: links are made of what X-Forwarded-Proto and -Host say; the client is
    whom X-Forwarded-For names.
    """

    def wrap(app: ASGIApp) -> ASGIApp:
        async def forwarded(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope.get("client")
            if scope["type"] == ScopeType.HTTP and client is not None and client[0] in trusted:
                scope = _as_asked(scope, trusted)
            await app(scope, receive, send)

        return forwarded

    return wrap


def address_of(request: AnyRequest) -> str:
    """The client's; of IPv6 the network, of which whoever has one address has all the others."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ip_network((int(address), _NETWORK_BITS), strict=False))


def _as_asked(scope: Scope, trusted: TrustedProxies) -> Scope:
    headers = list(scope["headers"])
    said: dict[str, object] = {}
    proto = _said(headers, b"x-forwarded-proto")
    if proto in (b"http", b"https"):
        said["scheme"] = proto.decode()
    if host := _said(headers, b"x-forwarded-host"):
        said["headers"] = [(b"host", host), *(each for each in headers if each[0] != b"host")]
    if client := _client(headers, trusted):
        said["client"] = (client, 0)
    return cast("Scope", {**scope, **said})


def _client(headers: Sequence[tuple[bytes, bytes]], trusted: TrustedProxies) -> str | None:
    """Each proxy adds who asked it: the last of them that is no proxy of ours was not made up."""
    values = [value.decode("latin-1") for found, value in headers if found == b"x-forwarded-for"]
    told = [each.strip() for value in values for each in value.split(",") if _is_address(each)]
    return next((each for each in reversed(told) if each not in trusted), told[0] if told else None)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def _said(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes:
    """The first of the values: what the client itself has asked for."""
    value = next((value for found, value in headers if found == name), b"")
    return value.partition(b",")[0].strip().lower()
