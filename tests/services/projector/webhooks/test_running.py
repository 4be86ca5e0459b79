"""Webhooks as a process runs them: found by their rows, held by locks, let go at the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import psycopg
import pytest

from contracts.events.streams import webhook_stream
from contracts.events.webhook import WebhookDeleted
from services.common.log.store import BELL_CHANNEL
from services.common.postgres.bell import Bell
from services.projector.webhooks import running
from services.projector.webhooks.deliver import Surroundings
from services.projector.webhooks.running import HeldWebhooks, Webhooks, locking
from services.projector.webhooks.spool import LOCK, Spool
from tests.examples import TEAM
from tests.services.projector.webhooks.delivering import INSTALLATION, WEBHOOK, Delivering
from tests.waiting import seen


@contextlib.asynccontextmanager
async def process(hook: Delivering) -> AsyncIterator[Webhooks]:
    """One that delivers webhooks while the block runs."""

    def around(spool: Spool) -> Surroundings:
        return Surroundings(
            spool=spool,
            pool=hook.projector.pool,
            sender=hook.sender,
            installation=INSTALLATION,
        )

    bell = Bell(hook.projector.url, BELL_CHANNEL)
    async with bell.listening():
        webhooks = Webhooks(hook.projector.url, around, bell)
        task = asyncio.create_task(webhooks.run())
        try:
            yield webhooks
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def got(hook: Delivering, *sequences: int) -> None:
    async def look() -> set[int]:
        return set(hook.receiver.sequences)

    await seen(look, lambda found: set(sequences) <= found)


async def holders(hook: Delivering) -> list[int]:
    """The server processes whose sessions hold the webhook's lock."""
    rows = await hook.projector.rows(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
        " AND granted",
        LOCK,
        WEBHOOK,
    )
    return [row["pid"] for row in rows]


async def test_a_fact_is_delivered_as_it_happens(hook: Delivering) -> None:
    await hook.make()
    async with process(hook):
        await hook.insights(1, 2)
        await got(hook, 2, 3)
    assert len(hook.receiver.got) == 2


async def test_of_two_processes_one_delivers_and_the_other_takes_over(
    hook: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.1)
    await hook.make()
    async with process(hook):
        await hook.insights(1)
        await got(hook, 2)
        first = await holders(hook)
        async with process(hook):
            await hook.insights(2)
            await got(hook, 3)
            assert await holders(hook) == first
            # The first one loses its connection: its lock is free.
            await hook.projector.execute("SELECT pg_terminate_backend(%s)", first[0])
            await hook.insights(3)
            await got(hook, 4)
            assert await seen(partial(holders, hook), bool) != first
    assert hook.receiver.sequences == [2, 3, 4]


async def test_who_loses_the_connection_stops_sending(hook: Delivering) -> None:
    await hook.make()
    hook.receiver.behave = lambda got: "hang"
    await hook.insights(1)
    held: HeldWebhooks
    async with locking(hook.projector.url) as spool:
        held = HeldWebhooks(_around(hook, spool), asyncio.Event())
        await held.step()
        await got(hook, 2)
        (pid,) = await holders(hook)
        await hook.projector.execute("SELECT pg_terminate_backend(%s)", pid)
        with pytest.raises(psycopg.OperationalError):
            await held.step()
        await held.close()
    assert await hook.attempts() == []
    assert await hook.pending() == [2]


async def test_a_test_is_sent_once_whatever_the_state(hook: Delivering) -> None:
    await hook.make()
    hook.receiver.behave = lambda got: 500
    test = uuid4()
    await hook.projector.execute(
        "INSERT INTO webhook_tests (id, webhook_id) VALUES (%s, %s)", test, WEBHOOK
    )

    async with process(hook):
        await seen(hook.attempts, bool)
    (asked,) = await hook.projector.rows("SELECT attempt FROM webhook_tests")
    (sent,) = hook.receiver.got
    assert (sent.event["type"], sent.event["id"]) == ("recount.test", f"test-{test}")
    assert "sequence" not in sent.event
    assert sent.headers["webhook-id"] == f"{INSTALLATION}/{TEAM}/test-{test}"
    (attempt,) = await hook.attempts()
    assert asked["attempt"] == attempt["number"]
    assert (attempt["sequence"], attempt["lane"]) == (None, "recount.test")
    assert (attempt["state"], attempt["retry_at"]) == ("failed", None)


async def test_a_deleted_webhook_is_let_go(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    async with locking(hook.projector.url) as spool:
        held = HeldWebhooks(_around(hook, spool), asyncio.Event())
        await held.step()
        assert len(await holders(hook)) == 1
        await hook.projector.append(WebhookDeleted(), of=webhook_stream(TEAM, WEBHOOK))
        await hook.projector.catch_up()
        await held.step()
        assert await holders(hook) == []
        assert await hook.projector.rows("SELECT * FROM webhook_progress") == []
        await held.close()


async def test_a_defect_of_one_webhook_stops_no_other(
    hook: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hook.make()
    async with locking(hook.projector.url) as spool:

        async def fails(*_: object) -> None:
            raise ValueError("a defect")

        monkeypatch.setattr(running, "BROKEN_SECONDS", 0.0)
        held = HeldWebhooks(_around(hook, spool), asyncio.Event())
        await held.step()
        with monkeypatch.context() as patched:
            patched.setattr("services.projector.webhooks.deliver.Delivery.step", fails)
            await held.step()
        assert await holders(hook) == []
        await held.step()
        assert len(await holders(hook)) == 1
        await held.close()


def _around(hook: Delivering, spool: Spool) -> Surroundings:
    return Surroundings(
        spool=spool, pool=hook.projector.pool, sender=hook.sender, installation=INSTALLATION
    )
