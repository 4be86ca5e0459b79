"""Webhooks from the command to the receiver, over the services' own doors."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from standardwebhooks import Webhook

from services.command import app as command
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.postgres.database import pool
from services.common.settings import InvalidSettings
from services.projector import app as projector
from services.projector.webhooks import part as delivering
from services.projector.webhooks.options import GivenOptions
from tests.services.projector.webhooks.receiving import ADDRESS, Receiver, receiving
from tests.waiting import seen

ALLOW = f"{ADDRESS}/32"


@contextlib.asynccontextmanager
async def composed(postgres_url: str, nats_url: str) -> AsyncIterator[AsyncClient]:
    """An administrator of one project, who may use plain http."""
    options = GivenOptions(webhooks_allow=ALLOW)
    settings = CommandSettings(
        database_url=postgres_url, nats_url=nats_url, relay=False, webhooks_allow=ALLOW
    )
    app: Litestar = compose(
        [
            foundation(postgres_url),
            command.part(settings),
            projector.part(postgres_url),
            delivering.part(postgres_url, options),
        ]
    )
    async with pool(postgres_url) as connections, app.lifespan():
        ours = await administration.create_organization(connections, "Ours")
        project = await administration.create_project(connections, ours.id, "Shop")
        user_id = await administration.create_user(
            connections, "ada@example.com", ours.id, first_name="Ada", level=15
        )
        issued = await administration.create_key(connections, user_id)
        async with AsyncClient(
            transport=ASGITransport(app=cast("Any", app)),
            base_url=f"http://recount.test/api/projects/{project.id}/",
            headers={"Authorization": f"Bearer {issued.key}"},
            timeout=60,
        ) as client:
            yield client


@pytest.fixture
async def client(postgres_url: str, nats_url: str) -> AsyncIterator[AsyncClient]:
    async with composed(postgres_url, nats_url) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(None) as opened:
        yield opened


async def posted(client: AsyncClient, path: str, **body: Any) -> httpx.Response:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201, 202), answer.text
    return answer


async def test_a_webhook_is_made_tested_parked_and_goes_on(
    client: AsyncClient, receiver: Receiver
) -> None:
    url = f"http://{ADDRESS}:{receiver.port}/"
    made = (await posted(client, "webhooks/", url=url, types=["insight.*"])).json()
    tested = (await posted(client, f"webhooks/{made['id']}/test/")).json()
    assert (tested["state"], tested["status"], tested["sequence"]) == ("delivered", 200, None)
    event = receiver.got[0]
    Webhook(made["secret"]).verify(event.body, dict(event.headers))

    await posted(client, "insights/", name="Sign-ups")

    async def sequences() -> list[int]:
        return [got.sequence for got in receiver.got[1:]]

    found = await seen(sequences, bool)
    Webhook(made["secret"]).verify(receiver.got[1].body, dict(receiver.got[1].headers))
    replay = await posted(client, f"webhooks/{made['id']}/replay/", after="0")
    assert replay.status_code == 202
    assert await seen(sequences, lambda now: len(now) == 2) == found * 2

    # 410: the deliverer finds it, the log tells it, the webhook shows it.
    receiver.behave = lambda got: 410
    await posted(client, "insights/", name="Others")

    async def state() -> str:
        edited = await client.patch(f"webhooks/{made['id']}/", json={})
        return str(edited.json()["disabled_reason"])

    await seen(state, lambda reason: reason == "gone")
    receiver.behave = lambda got: 200
    await posted(client, f"webhooks/{made['id']}/resume/")
    # Twice: disabled, and now.
    await seen(sequences, lambda now: len(now) == 4)


async def test_it_says_that_it_runs_and_counts_what_it_does(client: AsyncClient) -> None:
    ready = await client.get("http://recount.test/_readyz")
    assert ready.json()["parts"]["webhooks"]["status"] == "ok"
    metrics = (await client.get("http://recount.test/metrics")).text
    for name in (
        "recount_webhook_pending",
        "recount_webhook_parked_lanes",
        "recount_webhook_attempts_total",
    ):
        assert f"# TYPE {name.removesuffix('_total')}" in metrics or f"# TYPE {name}" in metrics


def test_settings_that_can_t_be_read_are_refused(postgres_url: str) -> None:
    for options in (
        GivenOptions(webhooks_allow="somewhere"),
        GivenOptions(webhooks_ca_file="/nowhere/ca.pem"),
    ):
        with pytest.raises(InvalidSettings, match="WEBHOOKS_"):
            delivering.part(postgres_url, options)
