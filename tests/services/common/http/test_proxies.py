"""Links are made of what the client has asked for; of that, only trusted proxies may speak."""

from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Request, get

from services.common.http.app import ServicePart, compose
from services.common.http.proxies import TrustedProxies, behind
from services.common.settings import InvalidSettings, trusted

ASKED = {
    "Host": "query:8000",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "Insights.example:8443, inner",
}


@get("/api/url", sync_to_thread=False)
def url(request: Request[Any, Any, Any]) -> str:
    return str(request.url)


async def seen(trusted: str, client: str, **headers: str) -> str:
    """The URL that the application believes it was asked by."""
    app = compose([ServicePart(handlers=[url], around=[behind(TrustedProxies(trusted))])])
    transport = ASGITransport(app=cast("Any", app), client=(client, 4711))
    async with AsyncClient(transport=transport, base_url="http://recount.test") as asking:
        return (await asking.get("/api/url", headers={**ASKED, **headers})).text


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


def test_what_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSettings, match="TRUSTED_PROXIES"):
        trusted("10.0.0.0/8, nowhere")
