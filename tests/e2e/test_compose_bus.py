"""The bus as compose.yaml sets it up: subscribers are let in, and get no further than elsewhere."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.common.bus_accounts import NATS_CONF
from services.embedded import nats
from services.embedded.account import account_for
from tests import servers
from tests.e2e.deployment import compose
from tests.embedded.recount_process import free_port
from tests.servers import NatsServer
from tests.services.command.bus_consumers.conftest import running, settings_for, subscriber, take


def default(text: str) -> str:
    """A value of the file with what it says where .env says nothing."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def configuration() -> str:
    text: str = compose()["configs"]["nats"]["content"]
    return text.replace("$$", "$")


@contextmanager
def the_bus(folder: Path) -> Iterator[NatsServer]:
    """nats-server with the file's configuration and its defaults, on a port of this machine."""
    (folder / "nats.conf").write_text(configuration().replace("store_dir: /data, ", ""))
    settings = compose()["services"]["nats"]["environment"]
    environment = {name: default(value) for name, value in settings.items()}
    asked = compose()["services"]["command"]["environment"]
    port = free_port()
    program = nats._program(account_for(folder), folder / "programs")
    words = [str(program), "--config", str(folder / "nats.conf"), "--store_dir", str(folder)]
    words += ["--addr", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "Server is ready" not in said:
                line = process.stderr.readline()
                assert line, f"it did not start: {said}"
                said += line
            yield NatsServer(
                f"nats://recount:{environment['NATS_TOKEN']}@127.0.0.1:{port}",
                default(asked["RECOUNT_COMMAND_NATS_ISSUER"]),
                default(asked["RECOUNT_COMMAND_NATS_SYSTEM_USER"]),
            )
        finally:
            process.terminate()


async def test_a_subscriber_takes_facts_and_writes_nothing(postgres_url: str) -> None:
    with servers.server_folder() as folder, the_bus(folder) as bus:
        settings = settings_for(postgres_url, bus, "nats://bus.example:4222")
        async with running(settings, bus) as world:
            made = await world.make()
            assert made["url"] == "nats://bus.example:4222"
            await world.happen(2)
            here = {**made, "url": f"nats://127.0.0.1:{bus.url.rpartition(':')[2]}"}
            async with subscriber(here) as client:
                await take(client, here, 1)
                before = await world.stored()
                pull = f"$JS.API.CONSUMER.MSG.NEXT.INSIGHTS.{made['consumer']}"
                await client.publish(pull, b"", reply="insights.2.x")
                await client.flush()
                await world.happen(1)
                assert await world.stored() == before + 1


def test_a_refusal_shows_the_lines_that_the_file_has() -> None:
    said = [line.strip() for line in NATS_CONF.splitlines()]
    written = [line.strip() for line in configuration().splitlines()]
    assert [line for line in written if line in said] == said


@pytest.mark.parametrize("older", [True, False])
def test_streams_of_a_volume_from_before_move_into_their_account(
    tmp_path: Path, older: bool
) -> None:
    streams = tmp_path / "jetstream" / ("$G" if older else "RECOUNT") / "streams"
    streams.mkdir(parents=True)
    service = compose()["services"]["nats"]
    (script,) = service["command"]
    script = script.replace("$$", "$").replace("cd /data", f"cd '{tmp_path}'")
    script = script.replace("exec nats-server --config /etc/nats/nats.conf", "exec true")
    for _ in range(2):
        subprocess.run([*service["entrypoint"], script], check=True)
        assert os.listdir(tmp_path / "jetstream") == ["RECOUNT"]
        assert (tmp_path / "jetstream" / "RECOUNT" / "streams").is_dir()
