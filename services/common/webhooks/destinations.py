"""Where a webhook may be sent: to public addresses by https, and to what the operator allows.

The rule is about addresses, never about names: a name is judged by what it resolves to, at every
connection anew.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import msgspec
from yarl import URL

LONGEST_URL = 2_000
RESOLVE_SECONDS = 5.0

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# `is_global` holds for NAT64, which leads to an IPv4 address that a gateway unpacks, for 6to4's
# relays, and, depending on Python's age, for the last two. 6to4 and Teredo have their properties.
_NEVER: tuple[Network, ...] = (
    *(IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")),
    *(IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20")),
)


class ForbiddenAddress(OSError):
    """A name or an address that leads nowhere a webhook may go."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} leads to no address that a webhook may be sent to")


class Destinations(msgspec.Struct, frozen=True):
    """The rule. allow: networks that are allowed besides, by http too."""

    allow: tuple[Network, ...] = ()

    def permits(self, address: Address, *, secure: bool) -> bool:
        """secure: whether it is asked by https."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self.allow):
            return True
        return secure and is_public(address)


def networks(text: str) -> tuple[Network, ...]:
    """As a setting spells them: CIDRs with commas or spaces between. Raises ValueError."""
    return tuple(ip_network(each) for each in text.replace(",", " ").split())


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could reach it, and it is what it seems to be."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in _NEVER):
        return False
    return isinstance(address, IPv4Address) or (
        address.sixtofour is None and address.teredo is None and not address.is_site_local
    )


def literal(host: str) -> Address | None:
    """The address that a host of a URL is; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except (ValueError, AddressValueError):
        return None


Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, and a port. Raises OSError."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """By the system's resolver."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def permitted(
    url: URL, destinations: Destinations, lookup: Lookup = look_up
) -> Sequence[str]:
    """The addresses that the URL may be asked at. Raises ForbiddenAddress when there is none."""
    host, port = url.host or "", url.port or 0
    known = literal(host)
    if known is None and host.replace(".", "").isdigit():
        # An address in one of its older spellings: no resolver is asked for it everywhere.
        raise ForbiddenAddress(host)
    try:
        found = [str(known)] if known else await lookup(host, port)
    except (OSError, UnicodeError) as cause:
        raise ForbiddenAddress(host) from cause
    kept = [
        text
        for text in found
        if (address := literal(text)) is not None
        and destinations.permits(address, secure=url.scheme == "https")
    ]
    if not kept:
        raise ForbiddenAddress(host)
    return kept


class UnusableUrl(ValueError):
    """A URL that no webhook can have, and why."""


def usable_url(text: str, destinations: Destinations) -> URL:
    """Raises UnusableUrl. What it resolves to is not looked at here."""
    if len(text) > LONGEST_URL:
        raise UnusableUrl(f"A URL has at most {LONGEST_URL} characters.")
    try:
        url = URL(text)
        host, _ = url.host, url.port
    except ValueError as cause:
        raise UnusableUrl(f"This is no URL: {cause}") from cause
    if url.scheme not in ("https", "http") or not host:
        raise UnusableUrl("A URL begins with https:// and names a host.")
    if url.scheme == "http" and not destinations.allow:
        raise UnusableUrl("Webhooks are sent by https only.")
    if url.user is not None or url.password is not None:
        raise UnusableUrl("A URL with a user or a password in it is not taken: verify signatures.")
    return url
