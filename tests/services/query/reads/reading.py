"""The query service over a real PostgreSQL, with accounts, and a projector that tests drive."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import httpx
import msgspec
from litestar.di import Provide

from services.common.accounts import administration
from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.common.http.proxies import NOBODY, TrustedProxies
from services.query import reading as service
from services.query.insights.stored_insights import InsightResults
from services.query.results.service import Results
from services.query.settings import QuerySettings
from tests.services.projector.projecting import Projecting, projecting

BASE = "https://recount.example"


class Reading(msgspec.Struct, frozen=True):
    """team: the project's number, which is TEAM of tests.examples. alice, bob: users 1 and 2.

    Alice is an administrator; Bob a member; Carol is in another organization, with project 2.
    """

    projector: Projecting
    client: httpx.AsyncClient
    keys: Mapping[str, str]

    async def get(self, path: str, *, by: str = "alice", **options: Any) -> httpx.Response:
        """GET below /api/projects/1/, or the path itself when it begins with a slash."""
        url = path if path.startswith("/") else f"/api/projects/1/{path}"
        headers = {"Authorization": f"Bearer {self.keys[by]}", **options.pop("headers", {})}
        return await self.client.get(url, headers=headers, **options)

    async def ids(self, path: str, **options: Any) -> list[int]:
        """The numbers of a list's insights, in its order."""
        answer = await self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return [result["id"] for result in answer.json()["results"]]


@contextlib.asynccontextmanager
async def reading(
    url: str,
    known: Mapping[str, str] | None = None,
    proxies: TrustedProxies = NOBODY,
    **settings: Any,
) -> AsyncIterator[Reading]:
    """known: the keys of a database that has its accounts already."""
    async with projecting(url) as projector:
        keys = known or await accounts(projector)
        chosen = QuerySettings(
            **{
                "database_url": url,
                "clickhouse_url": "",
                "freshness_wait_seconds": 0.05,
                **settings,
            }
        )
        app = compose([foundation(url, proxies=proxies), service.part(chosen), NO_ENGINE])
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        async with (
            app.lifespan(),
            httpx.AsyncClient(transport=transport, base_url=BASE) as client,
        ):
            yield Reading(projector, client, keys)


def _nobody_computes() -> InsightResults:
    """Reads that show what is kept ask no engine."""
    return InsightResults(cast("Results", None))


NO_ENGINE = ServicePart(
    handlers=(),
    dependencies={"insight_results": Provide(_nobody_computes, sync_to_thread=False)},
)


async def accounts(projector: Projecting) -> dict[str, str]:
    pool = projector.pool
    ours = await administration.create_organization(pool, "Ours")
    theirs = await administration.create_organization(pool, "Theirs")
    alice = await administration.create_user(
        pool, "alice@example.com", ours.id, first_name="Alice", level=8
    )
    bob = await administration.create_user(pool, "bob@example.com", ours.id, first_name="Bob")
    carol = await administration.create_user(pool, "carol@example.com", theirs.id)
    await administration.create_project(pool, ours.id, "One", "Europe/Berlin")
    await administration.create_project(pool, theirs.id, "Two")
    assert (alice, bob) == (1, 2)
    return {
        "alice": (await administration.create_key(pool, alice)).key,
        "bob": (await administration.create_key(pool, bob)).key,
        "carol": (await administration.create_key(pool, carol)).key,
        "cohorts": (await administration.create_key(pool, bob, scopes=["cohort:read"])).key,
        "elsewhere": (await administration.create_key(pool, bob, team_ids=[99])).key,
    }
