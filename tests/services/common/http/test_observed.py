"""Every answer has a Request-Id, and every request is counted by its route."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.testing import AsyncTestClient
from prometheus_client import REGISTRY

from services.common.http.app import ServicePart, compose
from services.common.http.problems import unavailable

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@get("/watched/{token:str}/", opt={"public": True})
async def shows(token: FromPath[str]) -> dict[str, str]:
    return {"token": token}


@post("/watched/{token:str}/", opt={"public": True})
async def refuses(token: FromPath[str]) -> None:
    raise unavailable(token)


@get("/watched/", opt={"public": True})
async def fails() -> Response[None]:
    raise RuntimeError("a defect")


@get("/watched/slow/", opt={"public": True})
async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient]:  # type: ignore[type-arg]
    part = ServicePart(handlers=[shows, refuses, fails, hangs])
    async with AsyncTestClient(compose([part], request_seconds=0.1)) as opened:
        yield opened


def requests(route: str, method: str, status: int) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("recount_http_requests_total", labels) or 0.0


def timed(route: str) -> float:
    return REGISTRY.get_sample_value("recount_http_seconds_count", {"route": route}) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/watched/s3cret/", "/watched/{token}", 200),
        ("HEAD", "/watched/s3cret/", "/watched/{token}", 200),
        ("POST", "/watched/s3cret/", "/watched/{token}", 503),
        ("PATCH", "/watched/s3cret/", "none", 405),
        ("BREW", "/watched/s3cret/", "none", 405),
        ("GET", "/watched/", "/watched", 500),
        ("GET", "/nowhere/s3cret", "none", 404),
        ("GET", "/watched/slow/", "/watched/slow", 503),
    ],
)
async def test_a_request_is_counted_by_its_route_and_never_by_its_path(
    client: AsyncTestClient,  # type: ignore[type-arg]
    method: str,
    path: str,
    route: str,
    status: int,
) -> None:
    shown = method if method != "BREW" else "other"
    counted, seconds = requests(route, shown, status), timed(route)
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert requests(route, shown, status) == counted + 1
    assert timed(route) == seconds + 1
    # Whoever answers: the handler, the deadline, the routing.
    assert len(answer.headers.get_list("request-id")) == 1
    UUID(answer.headers["request-id"])
    assert REGISTRY.get_sample_value("recount_http_in_flight") == 0
    assert "s3cret" not in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"X-Correlation-Id": "0190b8c1-5dc1-7a3d-9c38-0f6a9a3f1c11"}, True),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, True),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"}, True),
        ({"traceparent": f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be-like"}, True),
        # Both: the client's own name for it.
        (
            {
                "traceparent": f"00-{uuid4().hex}-00f067aa0ba902b7-01",
                "X-Correlation-Id": str(UUID(TRACE)),
            },
            True,
        ),
        ({"X-Correlation-Id": "order 7"}, False),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, False),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, False),
        ({"traceparent": f"ff-{TRACE}-00f067aa0ba902b7-01"}, False),
        ({"traceparent": f"00-{TRACE.upper()}-00f067aa0ba902b7-01"}, False),
        ({"traceparent": f"00-{TRACE[:20]}_{TRACE[21:]}-00f067aa0ba902b7-01"}, False),
        ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01-more"}, False),
        ({}, False),
    ],
)
async def test_the_request_id_is_the_clients_where_it_has_one(
    client: AsyncTestClient,  # type: ignore[type-arg]
    headers: dict[str, str],
    is_taken: bool,
) -> None:
    named = (await client.get("/watched/x/", headers=headers)).headers["request-id"]
    if is_taken:
        assert named in (headers.get("X-Correlation-Id"), str(UUID(TRACE)))
    else:
        assert UUID(named).version == 4
        assert named != str(UUID(TRACE))
