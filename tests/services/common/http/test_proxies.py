"""Links are made of what the client has asked for; of that, only trusted proxies may speak."""

from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Request, get

from services.common.http.app import ServicePart, compose
from services.common.http.proxies import TrustedProxies, address_of, behind
from services.common.settings import InvalidSettings, trusted

ASKED = {
    "Host": "query:8000",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "Insights.example:8443, inner",
}


@get("/api/client", sync_to_thread=False)
def client_address(request: Request[Any, Any, Any]) -> str:
    return address_of(request)


@get("/api/url", sync_to_thread=False)
def url(request: Request[Any, Any, Any]) -> str:
    return str(request.url)


async def seen(trusted: str, client: str, path: str = "url", **headers: str) -> str:
    """The URL that the application believes it was asked by; or, of `client`, the client."""
    around = [behind(TrustedProxies(trusted))]
    app = compose([ServicePart(handlers=[url, client_address], around=around)])
    transport = ASGITransport(app=cast("Any", app), client=(client, 4711))
    async with AsyncClient(transport=transport, base_url="http://recount.test") as asking:
        return (await asking.get(f"/api/{path}", headers={**ASKED, **headers})).text


@pytest.mark.parametrize(
    ("trusted", "client"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("192.168.1.1, 127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("*", "a"),
    ],
)
async def test_a_trusted_proxy_is_believed(trusted: str, client: str) -> None:
    assert await seen(trusted, client) == "https://insights.example:8443/api/url"


@pytest.mark.parametrize(
    ("trusted", "client"),
    [("", "127.0.0.1"), ("10.0.0.0/8", "11.0.0.1"), ("127.0.0.1", "::1"), ("10.0.0.0/8", "socket")],
)
async def test_nobody_else_is(trusted: str, client: str) -> None:
    assert await seen(trusted, client) == "http://query:8000/api/url"


async def test_what_is_no_scheme_is_passed_over() -> None:
    sent = {"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": ""}
    assert await seen("*", "10.0.0.1", **sent) == "http://query:8000/api/url"


@pytest.mark.parametrize(
    ("trusted", "client", "said", "address"),
    [
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("*", "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.7, unknown", "198.51.100.7"),
        ("10.0.0.0/8", "11.0.0.1", "198.51.100.7", "11.0.0.1"),
        ("", "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("", "::ffff:198.51.100.7", "", "198.51.100.7"),
        ("", "socket", "", "socket"),
    ],
)
async def test_the_client_is_whom_trusted_proxies_were_asked_by(
    trusted: str, client: str, said: str, address: str
) -> None:
    assert await seen(trusted, client, "client", **{"X-Forwarded-For": said}) == address


def test_what_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSettings, match="TRUSTED_PROXIES"):
        trusted("10.0.0.0/8, nowhere")
