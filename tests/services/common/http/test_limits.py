"""Budgets over HTTP: two processes' worth of applications on one database."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from services.command import app as command
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.http.app import compose
from services.common.http.budgets import UNLIMITED, Budget, Budgets
from services.common.http.foundation import foundation
from services.common.postgres.database import pool

INSIGHTS = "/api/projects/1/insights/"
DASHBOARDS = "/api/projects/1/dashboards/"
# So long that no window ends while a test runs.
DAYS = 30 * 86_400


def budgets(insights: int, others: int) -> Budgets:
    return Budgets(
        insights=(Budget(insights, DAYS), Budget(insights + 1, 2 * DAYS)),
        others=(Budget(others, DAYS),),
    )


@contextlib.asynccontextmanager
async def serving(url: str, limits: Budgets) -> AsyncIterator[httpx.AsyncClient]:
    settings = CommandSettings(database_url=url, nats_url="", relay=False)
    app = compose([foundation(url, limits), command.part(settings)])
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        yield http


@pytest.fixture
async def keys(postgres_url: str) -> list[dict[str, str]]:
    """Headers of two keys of one user, with one project."""
    async with pool(postgres_url) as connections:
        ours = await administration.create_organization(connections, "Ours")
        await administration.create_project(connections, ours.id, "One")
        user = await administration.create_user(connections, "ada@example.com", ours.id)
        issued = [await administration.create_key(connections, user) for _ in range(2)]
    return [{"Authorization": f"Bearer {each.key}"} for each in issued]


async def test_a_spent_budget_is_refused_in_words_that_clients_read(
    postgres_url: str, keys: list[dict[str, str]]
) -> None:
    async with serving(postgres_url, budgets(3, 9)) as http:
        for left in (2, 1, 0):
            answer = await http.post(INSIGHTS, headers=keys[0])
            assert answer.status_code == 201
            assert answer.headers["ratelimit"].startswith(f'"3-in-{DAYS}s";r={left};t=')
            assert answer.headers["ratelimit-policy"] == (
                f'"3-in-{DAYS}s";q=3;w={DAYS}, "4-in-{2 * DAYS}s";q=4;w={2 * DAYS}'
            )
        for _ in range(2):  # counted, then known
            refused = await http.post(INSIGHTS, headers=keys[0])
            assert refused.status_code == 429
            problem = refused.json()
            assert (problem["type"], problem["code"]) == ("throttled_error", "throttled_error")
            wait = int(refused.headers["retry-after"])
            assert wait > 0
            # It can be asked again when the budget that is spent has room: that is what `t` says.
            standing = refused.headers["ratelimit"]
            assert standing.startswith(f'"3-in-{DAYS}s";r=0;t=')
            assert abs(int(standing.rpartition("=")[2]) - wait) <= 2
            assert refused.headers["ratelimit-policy"].startswith(f'"3-in-{DAYS}s";q=3;w={DAYS}')
            assert problem["detail"] == (
                f"Request was throttled. Expected available in {wait} seconds."
            )
        # Another group has a budget of its own.
        assert (await http.post(DASHBOARDS, headers=keys[0])).status_code == 201


async def test_a_projects_budget_is_that_of_all_its_keys(
    postgres_url: str, keys: list[dict[str, str]]
) -> None:
    async with serving(postgres_url, budgets(2, 9)) as http:
        statuses = [(await http.post(INSIGHTS, headers=key)).status_code for key in (*keys, *keys)]
    assert statuses == [201, 201, 429, 429]


async def test_all_processes_count_together(postgres_url: str, keys: list[dict[str, str]]) -> None:
    async with (
        serving(postgres_url, budgets(4, 9)) as one,
        serving(postgres_url, budgets(4, 9)) as two,
    ):
        statuses = [
            (await http.post(INSIGHTS, headers=keys[0])).status_code
            for http in (one, two, one, two, one, two)
        ]
    assert statuses == [201] * 4 + [429] * 2


async def test_what_is_refused_for_another_reason_counts_nowhere(
    postgres_url: str, keys: list[dict[str, str]]
) -> None:
    async with serving(postgres_url, budgets(1, 9)) as http:
        assert (await http.post("/api/projects/99/insights/", headers=keys[0])).status_code == 404
        assert (await http.post(INSIGHTS)).status_code == 401
        assert (await http.post(INSIGHTS, headers=keys[0])).status_code == 201


async def test_without_budgets_nothing_is_counted_or_told(
    postgres_url: str, keys: list[dict[str, str]]
) -> None:
    async with serving(postgres_url, UNLIMITED) as http:
        answer = await http.post(INSIGHTS, headers=keys[0])
        assert answer.status_code == 201
        assert "ratelimit" not in answer.headers
    async with pool(postgres_url) as connections, connections.connection() as conn:
        cursor = await conn.execute("SELECT count(*) FROM request_counts")
        assert await cursor.fetchone() == (0,)
