"""/_readyz and /metrics, as gateways and Prometheus read them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar.datastructures import State
from litestar.testing import AsyncTestClient

from services.common.http import health
from services.common.http.app import ServicePart, compose
from services.common.http.health import Examination, NotReady, PartCheck, PartDegraded

pytestmark = pytest.mark.anyio


async def well(_: State) -> None:
    pass


async def degraded(_: State) -> None:
    raise PartDegraded("it waits")


async def not_ready(_: State) -> None:
    raise NotReady("it has stopped")


async def broken(_: State) -> None:
    raise OSError("no route")


@pytest.mark.parametrize(
    ("check", "status", "part"),
    [
        (PartCheck(well), 200, {"status": "ok", "reason": None}),
        (PartCheck(degraded, essential=True), 200, {"status": "degraded", "reason": "it waits"}),
        (PartCheck(not_ready), 503, {"status": "failing", "reason": "it has stopped"}),
        (PartCheck(broken), 200, {"status": "degraded", "reason": "OSError: no route"}),
        (
            PartCheck(broken, essential=True),
            503,
            {"status": "failing", "reason": "OSError: no route"},
        ),
    ],
)
async def test_only_what_is_essential_takes_the_process_out(
    check: PartCheck, status: int, part: dict[str, Any]
) -> None:
    app = compose([ServicePart(handlers=(), checks={"well": PartCheck(well), "part": check})])
    async with AsyncTestClient(app) as client:
        answer = await client.get("/_readyz")
    assert answer.status_code == status
    assert answer.json() == {
        "status": part["status"],
        "parts": {"well": {"status": "ok", "reason": None}, "part": part},
    }


class Frozen:
    """A server that answers nothing, not even to who gives up on it, until it thaws."""

    def __init__(self) -> None:
        self.asked = 0
        self.thaws = asyncio.Event()

    async def __call__(self, _: State) -> None:
        self.asked += 1
        try:
            await self.thaws.wait()
        finally:
            await self.thaws.wait()


@pytest.fixture
async def frozen() -> AsyncIterator[Frozen]:
    server = Frozen()
    yield server
    server.thaws.set()


async def test_a_question_to_a_frozen_server_is_left_behind(
    frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.01)
    examination = Examination({"frozen": PartCheck(frozen)})

    for _ in range(3):
        async with asyncio.timeout(60):
            told = await examination.examine(State())
        assert told.parts["frozen"].status == "degraded"
        assert "no answer" in (told.parts["frozen"].reason or "")
    # The three did not pile up at it.
    assert frozen.asked == 1

    frozen.thaws.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await examination.examine(State())).status == "ok"


async def test_metrics_name_their_charset_once() -> None:
    async with AsyncTestClient(compose([])) as client:
        answer = await client.get("/metrics")
    assert answer.headers.get_list("content-type") == ["text/plain; version=1.0.0; charset=utf-8"]
