"""A data folder from before the bus had accounts: its streams move into one, between two starts."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats as client
import pytest
from nats.js.api import AckPolicy, ConsumerConfig

from services.embedded import nats
from services.embedded.account import Account, account_for
from services.embedded.refusal import CannotStart
from tests import servers
from tests.embedded.recount_process import free_port

TOKEN = "as-before"


@pytest.fixture
def folder() -> Iterator[Path]:
    """In the place of a data folder."""
    with servers.server_folder() as made:
        yield made


@contextmanager
def running(folder: Path) -> Iterator[nats.Nats]:
    server = nats.start(folder / "nats", account_for(folder))
    try:
        yield server
    finally:
        server.stop()


def run_older(folder: Path, account: Account) -> tuple["subprocess.Popen[bytes]", str]:
    """nats-server with the configuration of then: one user, who is a token, in no account."""
    store = folder / "nats"
    store.mkdir(exist_ok=True)
    port = free_port()
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "server_name": "recount",
        "authorization": {"token": TOKEN},
        "jetstream": {"sync_interval": "always", "enabled": True, "max_file_store": 1 << 40},
    }
    (store / "nats.json").write_text(json.dumps(settings))
    (store / "connection.json").write_text(json.dumps({"port": port, "token": TOKEN}))
    program = nats._program(account, folder / "programs")
    words = [str(program), "--config", str(store / "nats.json"), "--store_dir", str(store)]
    return subprocess.Popen(words, stderr=subprocess.DEVNULL), f"nats://{TOKEN}@127.0.0.1:{port}"


async def older_bus(folder: Path) -> str:
    """The URL of a bus that left two streams in the folder, one with a consumer."""
    account = account_for(folder)
    process, url = run_older(folder, account)
    with process:
        bus = await client.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
        streams = bus.jetstream()
        await streams.add_stream(name="INSIGHTS", subjects=["insights.>"])
        await streams.add_stream(name="CAPTURE", subjects=["capture.>"])
        for number in range(1, 6):
            await streams.publish("insights.1.insight.created.v1", b"%d" % number)
        await streams.publish("capture.1", b"opened")
        durable = ConsumerConfig(durable_name="billing", ack_policy=AckPolicy.EXPLICIT)
        await streams.add_consumer("INSIGHTS", durable)
        reading = await streams.pull_subscribe_bind("billing", "INSIGHTS")
        for message in await reading.fetch(2):
            await message.ack_sync()
        await bus.close()
        process.terminate()
    # Then, too, all of it was the servers' account's.
    for path in (folder / "nats", *(folder / "nats").rglob("*")):
        os.chown(path, account.uid, account.gid)
    return url


async def holds_everything(url: str) -> None:
    bus = await client.connect(url)
    try:
        streams = bus.jetstream()
        kept = [(await streams.get_msg("INSIGHTS", number)).data for number in range(1, 6)]
        assert kept == [b"1", b"2", b"3", b"4", b"5"]
        assert (await streams.get_msg("CAPTURE", 1)).data == b"opened"
        consumer = await streams.consumer_info("INSIGHTS", "billing")
        assert consumer.ack_floor is not None
        assert consumer.ack_floor.stream_seq == 2, "it goes on where it was"
        published = await streams.publish("capture.1", b"more")
        assert published.seq == (await streams.stream_info("CAPTURE")).state.messages
    finally:
        await bus.close()


async def test_streams_and_consumers_are_all_there_after_the_move(folder: Path) -> None:
    before = await older_bus(folder)
    with running(folder) as server:
        assert server.url == before.replace(TOKEN, f"recount:{TOKEN}"), "the same port and secret"
        await holds_everything(server.url)
    with running(folder) as again:
        assert again.url == server.url
        assert again.issuer == server.issuer
        assert again.system_user == server.system_user
        await holds_everything(again.url)


@pytest.mark.parametrize("is_moved", [False, True], ids=["before", "after"])
async def test_a_kill_around_the_move_is_made_good_by_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_moved: bool
) -> None:
    await older_bus(folder)

    def killed(before: Path, now: Path) -> Path:
        if is_moved:
            os.rename(before, now)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(Path, "rename", killed)
        with pytest.raises(SystemExit):
            nats._move_in(folder / "nats")
    with running(folder) as server:
        await holds_everything(server.url)


async def test_streams_of_both_kinds_are_refused_and_left_alone(folder: Path) -> None:
    await older_bus(folder)
    with running(folder):
        pass
    streams = folder / "nats" / "jetstream"
    shutil.copytree(streams / "RECOUNT", streams / "$G")
    with pytest.raises(CannotStart, match="an older recount ran on this folder"):
        nats.start(folder / "nats", account_for(folder))
    assert {path.name for path in streams.iterdir()} >= {"RECOUNT", "$G"}


def test_only_we_can_read_the_key_that_lets_subscribers_in(folder: Path) -> None:
    with running(folder) as server:
        seed = folder / "keys" / "bus.nk"
        assert seed.read_text() == server.issuer
        assert (seed.stat().st_mode & 0o777, seed.stat().st_uid) == (0o600, os.geteuid())
        configuration = (folder / "nats" / "nats.json").read_text()
    assert server.issuer not in configuration
