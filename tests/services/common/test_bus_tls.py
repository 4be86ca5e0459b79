"""The bus by TLS: a real nats-server with a certificate, and one without."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.common.bus import connect_bus, entered
from services.common.stream import StreamUnavailable, connect_now
from tests.certificates import Authority, authority
from tests.embedded.recount_process import free_port
from tests.nats_cluster import nats_program
from tests.waiting import until

pytestmark = pytest.mark.anyio


@contextmanager
def node(folder: Path, shown: Authority | None) -> Iterator[int]:
    """The port of a server that shows this certificate; None: none."""
    port = free_port()
    settings: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "ports_file_dir": str(folder),
        "authorization": {"user": "recount", "password": "secret"},
    }
    if shown is not None:
        file = str(shown.server_file)
        settings["tls"] = {"cert_file": file, "key_file": file}
    config = folder / "nats.json"
    config.write_text(json.dumps(settings))
    with (folder / "log").open("ab") as log:
        words = [str(nats_program()), "--config", str(config)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        until(lambda: any(folder.glob("*.ports")), "the server listens")
        yield port
    finally:
        process.kill()
        process.wait(60)


async def test_a_node_is_entered_once_its_certificate_is_found_right(tmp_path: Path) -> None:
    shown = authority(tmp_path, "localhost")
    with node(tmp_path, shown) as port:
        nodes = f"nats://localhost:{port}"
        url = entered(nodes, "recount", "secret", ca_file=str(shown.ca_file))
        client = await connect_bus(url, "test")
        try:
            async with asyncio.timeout(60):
                await client.arrived()
            await client.publish("x.y", b"z")
            await client.flush()
        finally:
            await client.close()


async def test_nothing_is_said_to_a_node_without_a_certificate(tmp_path: Path) -> None:
    ca_file = authority(tmp_path, "localhost").ca_file
    with node(tmp_path, None) as port:
        url = entered(f"nats://localhost:{port}", "recount", "secret", ca_file=str(ca_file))
        with pytest.raises(StreamUnavailable):
            await connect_now(url, "test")
        # As it is without authorities.
        await (await connect_now(f"nats://recount:secret@localhost:{port}", "test")).close()


@pytest.mark.parametrize("name", ["localhost", "another"])
async def test_nothing_is_said_to_a_node_of_another_name_or_authority(
    tmp_path: Path, name: str
) -> None:
    trusted, shown = tmp_path / "trusted", tmp_path / "shown"
    trusted.mkdir()
    shown.mkdir()
    right = authority(trusted, name)
    with node(shown, right if name == "another" else authority(shown, "localhost")) as port:
        url = entered(f"nats://localhost:{port}", "recount", "secret", ca_file=str(right.ca_file))
        with pytest.raises(StreamUnavailable):
            await connect_now(url, "test")
