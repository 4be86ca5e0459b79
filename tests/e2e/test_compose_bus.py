"""The bus as the compose files set it up: subscribers get in, and no further than elsewhere; three
nodes are one cluster, which nobody joins without its secret.
"""

import asyncio
import contextlib
import os
import socket
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from nats.js.api import StreamConfig
from nats.js.errors import APIError, ServiceUnavailableError

from services.common.bus import connect_bus, entered
from services.common.bus_accounts import NATS_CONF
from services.embedded.cli import recount
from tests import servers
from tests.e2e.deployment import DEPLOY, compose
from tests.embedded.recount_process import free_port
from tests.nats_cluster import nats_program
from tests.servers import NatsServer
from tests.services.command.bus_consumers.conftest import running, settings_for, subscriber, take
from tests.waiting import PATIENCE_SECONDS, until

START = DEPLOY / "nats" / "start.sh"
NOTHING: Mapping[str, str] = {}


def secrets(folder: Path) -> Path:
    """Those that `make secrets` makes."""
    made = folder / "secrets"
    result = CliRunner().invoke(recount, ["secrets", str(made)], catch_exceptions=False)
    assert result.exit_code == 0
    return made


def secret(folder: Path, name: str) -> str:
    return (folder / "secrets" / name).read_text().strip()


@contextmanager
def node(
    folder: Path, name: str, replaced: Mapping[str, str], more: Mapping[str, str] = NOTHING
) -> Iterator[int]:
    """The port of a node with one of the files' configurations, its addresses and its folder
    replaced, once it is ready.
    """
    own = folder / (more.get("NATS_NAME") or "one")
    own.mkdir()
    port = free_port()
    here = {"127.0.0.1:8222": f"127.0.0.1:{free_port()}", "/data": str(own), **replaced}
    for file in (DEPLOY / "nats").glob("*.conf"):
        text = file.read_text()
        for theirs, ours in here.items():
            text = text.replace(theirs, ours)
        (own / file.name).write_text(text)
    environment = {
        "PATH": f"{nats_program().parent}:{os.environ['PATH']}",
        "SECRETS": str(folder / "secrets"),
        "NATS_DATA": str(own),
        **more,
    }
    words = ["sh", str(START), str(own / name), "--addr", "127.0.0.1", "--port", str(port)]
    log = own / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(words, env=environment, stdout=written, stderr=written)
    try:
        until(lambda: _is_ready(process, log), "the node is ready")
        yield port
    finally:
        process.kill()
        process.wait(60)


def _is_ready(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    text = log.read_text()
    assert process.poll() is None, text
    return "Server is ready" in text


async def test_a_subscriber_takes_facts_and_writes_nothing(postgres_url: str) -> None:
    with servers.server_folder() as folder:
        secrets(folder)
        with node(folder, "one.conf", NOTHING) as port:
            bus = NatsServer(
                entered(f"nats://127.0.0.1:{port}", "recount", secret(folder, "nats_recount")),
                secret(folder, "nats_issuer"),
                secret(folder, "nats_system"),
            )
            settings = settings_for(postgres_url, bus, "nats://bus.example:4222")
            async with running(settings, bus) as world:
                made = await world.make()
                assert made["url"] == "nats://bus.example:4222"
                await world.happen(2)
                here = {**made, "url": f"nats://127.0.0.1:{port}"}
                async with subscriber(here) as client:
                    await take(client, here, 1)
                    before = await world.stored()
                    pull = f"$JS.API.CONSUMER.MSG.NEXT.INSIGHTS.{made['consumer']}"
                    await client.publish(pull, b"", reply="insights.2.x")
                    await client.flush()
                    await world.happen(1)
                    assert await world.stored() == before + 1


async def test_three_nodes_are_one_cluster_which_nobody_joins_without_its_secret(
    tmp_path: Path,
) -> None:
    secrets(tmp_path)
    routes = [free_port() for _ in range(3)]
    nodes = " ".join(f"127.0.0.1:{route}" for route in routes)
    with contextlib.ExitStack() as opened:
        ports = [
            opened.enter_context(
                node(
                    tmp_path,
                    "cluster.conf",
                    {"0.0.0.0:6222": f"127.0.0.1:{route}"},
                    {"NATS_NAME": f"nats-{number}", "NATS_NODES": nodes},
                )
            )
            for number, route in enumerate(routes, 1)
        ]
        urls = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
        client = await connect_bus(
            entered(urls, "recount", secret(tmp_path, "nats_recount")), "test"
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await client.arrived()
                jetstream = client.jetstream()
                config = StreamConfig(name="X", subjects=["x.>"], num_replicas=3)
                while True:
                    # Until they have found each other, and chosen a leader.
                    with contextlib.suppress(APIError, ServiceUnavailableError, TimeoutError):
                        info = await jetstream.add_stream(config)
                        break
                    await asyncio.sleep(0.1)
            assert info.cluster is not None
            assert len(info.cluster.replicas or ()) == 2
        finally:
            await client.close()
        with socket.create_connection(("127.0.0.1", routes[0]), 60) as stranger:
            stranger.sendall(b'CONNECT {"user":"route","pass":"a guess","name":"nats-4"}\r\n')
            said = b""
            while b"-ERR" not in said:
                received = stranger.recv(65_536)
                assert received, said
                said += received
        assert b"Authorization Violation" in said


def test_a_refusal_shows_the_lines_that_the_file_has() -> None:
    said = [line.strip() for line in NATS_CONF.splitlines()]
    written = [line.strip() for line in (DEPLOY / "nats/accounts.conf").read_text().splitlines()]
    assert [line for line in written if line in said] == said


@pytest.mark.parametrize("older", [True, False])
def test_streams_of_a_volume_from_before_move_into_their_account(
    tmp_path: Path, older: bool
) -> None:
    secrets(tmp_path)
    streams = tmp_path / "jetstream" / ("$G" if older else "RECOUNT") / "streams"
    streams.mkdir(parents=True)
    server = tmp_path / "nats-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o700)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SECRETS": str(tmp_path / "secrets"),
        "NATS_DATA": str(tmp_path),
    }
    for _ in range(2):
        subprocess.run(["sh", str(START), "one.conf"], check=True, env=environment)
        assert os.listdir(tmp_path / "jetstream") == ["RECOUNT"]
        assert (tmp_path / "jetstream" / "RECOUNT" / "streams").is_dir()


def test_secrets_are_made_once_and_nobody_else_looks_into_their_folder(tmp_path: Path) -> None:
    made = secrets(tmp_path)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    declared = {*compose()["secrets"], *compose("compose.yaml")["secrets"]}
    content = {file.name: file.read_text() for file in made.iterdir()}
    assert content.keys() == declared
    assert len(set(content.values())) == len(content)
    assert min(map(len, content.values())) > 50
    (made / "postgres_app").unlink()
    secrets(tmp_path)
    again = {file.name: file.read_text() for file in made.iterdir()}
    assert {name for name in again if again[name] != content[name]} == {"postgres_app"}
