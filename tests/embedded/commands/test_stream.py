"""`recount stream status` and `recount stream reset`, on servers elsewhere and on a data folder."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from contracts.subjects import FACTS_STREAM
from services.command.bus.status import StreamStatus
from services.common.bus import connect_bus
from services.common.stream import OutgoingMessage, publish_whole
from services.embedded import datadir, nats, postgres
from services.embedded.cli import recount
from services.embedded.refusal import CannotStart
from tests import servers
from tests.services.command.bus.setup import fill, published

FACTS = 20

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
def run(postgres_url: str, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on a stream that holds the log of this test, with one consumer."""
    monkeypatch.setenv("RECOUNT_EMBEDDED_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("RECOUNT_EMBEDDED_NATS_URL", server_url)
    asyncio.run(_prepare(postgres_url, server_url))

    def command(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(recount, ["stream", *words], input=answer)

    return command


async def _prepare(postgres_url: str, server_url: str) -> None:
    client = await connect_bus(server_url, "test")
    stream = client.jetstream()
    if any(found.config.name == FACTS_STREAM for found in await stream.streams_info()):
        await stream.delete_stream(FACTS_STREAM)
    await fill(postgres_url, FACTS)
    async with published(postgres_url, server_url):
        subscription = await stream.pull_subscribe(
            "insights.>", durable="warehouse", stream=FACTS_STREAM
        )
        for message in await subscription.fetch(3, timeout=10):
            await message.ack_sync()
    await client.close()


async def _write(server_url: str) -> None:
    client = await connect_bus(server_url, "test")
    await publish_whole(client, [OutgoingMessage("insights.1.x", b"{}")] * 2)
    await client.close()


def test_status_tells_how_far_it_goes_and_who_follows(run: Run) -> None:
    told = msgspec.json.decode(run("status", "--json").stdout, type=StreamStatus)
    assert (told.stream, told.state, told.format) == (FACTS_STREAM, "whole", "2")
    assert (told.first, told.last, told.head, told.holes) == (1, FACTS, FACTS, 0)
    assert told.sweep.position == FACTS
    assert told.sweep.ended_at is not None
    (consumer,) = told.consumers
    assert (consumer.name, consumer.acknowledged, consumer.pending) == ("warehouse", 3, FACTS - 3)
    lines = run("status").stdout.splitlines()
    assert lines[:2] == [
        "INSIGHTS: whole",
        f"first 1, last {FACTS}, 0 holes; the log is at {FACTS}",
    ]
    assert lines[-1].startswith("consumer warehouse: acknowledged 3, ")


def test_reset_asks_and_a_no_changes_nothing(run: Run, server_url: str) -> None:
    asyncio.run(_write(server_url))
    refused = run("reset", answer="n\n")
    assert refused.exit_code == 1
    assert f"up to position {FACTS}? The 2 messages behind it are lost." in refused.stderr
    assert json.loads(run("status", "--json").stdout)["last"] == FACTS + 2
    done = run("reset", answer="y\n")
    assert done.exit_code == 0
    assert done.stdout == f"The public stream is made anew from the log, up to position {FACTS}.\n"
    told = msgspec.json.decode(run("status", "--json").stdout, type=StreamStatus)
    assert (told.state, told.last) == ("whole", FACTS)
    assert [consumer.acknowledged for consumer in told.consumers] == [3]


def test_reset_does_not_ask_where_it_was_told_to(run: Run) -> None:
    done = run("reset", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"last": FACTS})


def test_a_bus_that_does_not_answer_is_told_in_a_sentence(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOUNT_EMBEDDED_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("RECOUNT_EMBEDDED_NATS_URL", "nats://127.0.0.1:1")
    refused = CliRunner().invoke(recount, ["stream", "status"])
    assert isinstance(refused.exception, CannotStart)
    assert "the database can't do it" in str(refused.exception)


def test_both_work_on_a_data_folder_on_which_nothing_runs() -> None:
    with servers.server_folder() as made:
        data = made / "data"
        _begin(data)
        words = ["--data-dir", str(data), "--json"]
        reset = CliRunner().invoke(recount, ["stream", "reset", "--yes", *words])
        assert json.loads(reset.stdout) == {"last": 0}
        status = CliRunner().invoke(recount, ["stream", "status", *words])
        assert json.loads(status.stdout)["state"] == "whole"


def _begin(data: Path) -> None:
    """A data folder, as a server that was stopped leaves it."""
    with datadir.claim(data) as folder:
        database = postgres.start(folder.path / "postgres", folder.account)
        database.stop()
        bus = nats.start(folder.path / "nats", folder.account)
        bus.stop()
