"""Where a webhook may go: by address, whatever its name is."""

from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from yarl import URL

from services.common.webhooks.destinations import (
    Destinations,
    ForbiddenAddress,
    UnusableUrl,
    is_public,
    literal,
    networks,
    permitted,
    usable_url,
)

NOWHERE_ELSE = Destinations()
LAB = Destinations(networks("127.0.0.0/8, 10.1.0.0/16 fd00::/8"))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2a00:1450::1"])
def test_what_anybody_can_reach_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),  # noqa: S104 - no socket is bound
        *("192.88.99.1", "192.0.0.8"),
        *("::", "::1", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1"),
        *("2001:db8::1", "3fff::1", "5f00::1"),
        *("64:ff9b::7f00:1", "64:ff9b::101:101", "64:ff9b:1::1"),  # NAT64
        *("2002:7f00:1::", "2002:101:101::1"),  # 6to4
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::1"),  # Teredo
        "::ffff:0:127.0.0.1",  # translated
    ],
)
def test_what_is_somebody_s_own_or_leads_there_is_not(text: str) -> None:
    address = ip_address(text)
    assert not is_public(address)
    assert not NOWHERE_ELSE.permits(address, secure=True)


def test_a_mapped_address_is_the_one_inside() -> None:
    for permits in (NOWHERE_ELSE.permits, LAB.permits):
        assert permits(ip_address("::ffff:1.1.1.1"), secure=True)
        assert not permits(ip_address("::ffff:192.168.1.1"), secure=True)
    assert not NOWHERE_ELSE.permits(ip_address("::ffff:127.0.0.1"), secure=True)
    assert LAB.permits(ip_address("::ffff:127.0.0.1"), secure=True)


def test_http_goes_to_what_the_operator_names_and_nowhere_else() -> None:
    assert LAB.permits(ip_address("10.1.2.3"), secure=False)
    assert LAB.permits(ip_address("fd00::1"), secure=False)
    assert not LAB.permits(ip_address("1.1.1.1"), secure=False)
    assert LAB.permits(ip_address("1.1.1.1"), secure=True)
    assert not LAB.permits(ip_address("10.2.0.1"), secure=True)


def test_a_setting_names_networks_or_is_refused() -> None:
    assert networks("") == ()
    with pytest.raises(ValueError, match="has host bits set"):
        networks("10.0.0.1/8")


def test_a_zone_makes_no_name_of_an_address() -> None:
    assert literal("fe80::1%eth0") == ip_address("fe80::1")
    assert literal("127.1") is None  # a resolver knows what it means


@pytest.mark.parametrize(
    "text",
    [
        *("ftp://example.com/", "//example.com/", "example.com", "", "https://", "https:///x"),
        *("https://ada:secret@example.com/", "https://ada@example.com/", "https://a:0x1/"),
        "https://example.com/" + "x" * 2_000,
        "http://example.com/",
    ],
)
def test_what_is_no_url_of_a_webhook(text: str) -> None:
    with pytest.raises(UnusableUrl):
        usable_url(text, NOWHERE_ELSE)


def test_http_is_a_url_where_something_is_allowed() -> None:
    assert usable_url("http://lab/", LAB) == URL("http://lab/")
    assert usable_url("https://example.com:8443/x?y", NOWHERE_ELSE).port == 8443


async def found(url: str, destinations: Destinations, *addresses: str) -> Sequence[str]:
    async def lookup(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError(host)
        return addresses

    return await permitted(URL(url), destinations, lookup)


async def test_of_a_name_s_addresses_those_that_are_permitted_remain() -> None:
    assert await found("https://a/", NOWHERE_ELSE, "127.0.0.1", "1.1.1.1") == ["1.1.1.1"]
    assert await found("http://a/", LAB, "127.0.0.1", "1.1.1.1") == ["127.0.0.1"]
    for addresses in (["127.0.0.1"], ["64:ff9b::1.1.1.1"], []):
        with pytest.raises(ForbiddenAddress):
            await found("https://a/", NOWHERE_ELSE, *addresses)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25lo]"])
async def test_a_literal_is_judged_without_a_resolver(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await found(f"https://{host}/", NOWHERE_ELSE, "1.1.1.1")


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "0"])
async def test_other_spellings_of_an_address_are_what_they_resolve_to(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await permitted(URL(f"https://{host}/"), NOWHERE_ELSE)
