"""/metrics, as Prometheus reads it."""

from litestar.testing import AsyncTestClient

from services.common.http.app import compose


async def test_metrics_name_their_charset_once() -> None:
    async with AsyncTestClient(compose([])) as client:
        answer = await client.get("/metrics")
    assert answer.headers.get_list("content-type") == ["text/plain; version=1.0.0; charset=utf-8"]
