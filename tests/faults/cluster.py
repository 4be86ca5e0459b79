"""The whole deployment as processes of this machine, each to be killed, frozen and started again.

Two of each service behind a real Caddy, PostgreSQL, three nodes of NATS; ClickHouse where a run
needs it.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import msgspec
import psutil

from services.embedded import postgres
from services.embedded.account import account_for
from tests import nats_cluster, servers
from tests.cable import Cable, socket_cable
from tests.e2e.deployment import Started, Urls, command, gateway, migrate
from tests.e2e.test_separate_processes import first_key
from tests.embedded.recount_process import free_port
from tests.faults.disks import small_disk
from tests.postgres_standby import Replicated, replicated
from tests.shards import Shard, shard
from tests.waiting import until

# A start on a machine that does much else.
START_SECONDS = 180.0
# Three copies of each stream; and no client here is ever told to slow down.
SETTINGS = {
    "command_nats_replicas": "3",
    "projector_nats_replicas": "3",
    **{
        f"{kind}_{budget}": ""
        for kind in ("command", "query")
        for budget in ("insights_budget", "others_budget")
    },
}
NOBODY = "http://127.0.0.1:1"
SOCKET = ".s.PGSQL.5432"

# Nothing here has to survive a power cut; a killed process loses nothing that the kernel has.
_HASTY = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}


class Processes:
    """A process and those that it has started, as the kernel knows them."""

    def __init__(self, pid: int) -> None:
        self._parent = psutil.Process(pid)

    def all(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self._parent, *self._parent.children(recursive=True)]
        return []

    def send(self, what: signal.Signals) -> None:
        for process in self.all():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(what)

    def are_stopped(self) -> bool:
        """Whether each of them stands still: `T` in /proc."""
        states = []
        for process in self.all():
            with suppress(psutil.NoSuchProcess):
                states.append(process.status())
        return bool(states) and set(states) <= {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}


class Service:
    """One service, always on its own port. name: `command`, or `command 2`."""

    def __init__(self, name: str, urls: Urls, settings: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.kind = name.split()[0]
        self._words, environment = command(self.kind, urls)
        self._environment = {**environment, **_settings(self.kind, settings)}
        self._log = folder / f"{name}.log"
        self.url = f"http://127.0.0.1:{self._environment[f'RECOUNT_{self.kind.upper()}_PORT']}"
        self._broken = ""
        self._process: subprocess.Popen[bytes] | None = None

    def set(self, setting: str, value: str) -> None:
        """From its next start on."""
        self._environment[f"RECOUNT_{self.kind.upper()}_{setting.upper()}"] = value

    def fake_clock(self, file: Path) -> None:
        """Its clock, but no monotonic one, is moved by what the file says. Raises LookupError."""
        file.write_text("+0")
        self._environment |= {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, f"{self.name} was not started"
        return self._process

    @property
    def processes(self) -> Processes:
        return Processes(self.process.pid)

    def start(self) -> None:
        words = _broken(self._words, self._broken) if self._broken else self._words
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, env=self._environment, stdout=log, stderr=log)

    def restart(self, broken: str = "") -> None:
        """Returns when it is ready. broken: a build of tests.faults.broken, from now on."""
        self.end()
        self._broken = broken
        self.start()
        self.wait()

    def wait(self) -> None:
        until(self.is_ready, f"{self.name} is ready", START_SECONDS)

    def is_ready(self) -> bool:
        ended = self.process.poll()
        assert ended is None, f"{self.name} has ended with {ended}: {self.said()}"
        try:
            return httpx.get(f"{self.url}/_readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def end(self) -> None:
        """However it stands."""
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(psutil.NoSuchProcess):
            self.processes.send(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-2000:]

    def rss(self) -> int:
        """Bytes of memory."""
        return sum(process.memory_info().rss for process in self.processes.all())


def faketime() -> Path:
    """The library that moves clocks. Raises LookupError: it is not installed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise LookupError("libfaketime is not installed")
    return found[0]


def _settings(kind: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Those of this service, among `command_nats_replicas` and the like."""
    own = {name: value for name, value in settings.items() if name.split("_")[0] == kind}
    return {f"RECOUNT_{name.upper()}": value for name, value in own.items()}


def _broken(words: Sequence[str], name: str) -> list[str]:
    """python … -m services.command, by way of tests.faults.broken."""
    python, *options, flag, module = words
    assert flag == "-m", words
    return [python, *options, "-m", "tests.faults.broken", name, module]


class PostgresServer:
    """PostgreSQL, to be killed and started again on its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._account = account_for(folder)
        self._server = self._started()
        self.url = self._server.url

    def _started(self) -> postgres.Postgres:
        return postgres.start(self._folder, self._account, _HASTY)

    @property
    def sockets(self) -> Path:
        return self._folder / "sockets"

    @property
    def processes(self) -> Processes:
        return Processes(self._server.child.pid)

    def kill(self) -> list[psutil.Process]:
        """kill -9 of the first process; the others see that and end. All that ran."""
        running = self.processes.all()
        os.kill(self._server.child.pid, signal.SIGKILL)
        self._server.child.wait()
        return running

    def stop(self) -> list[psutil.Process]:
        """As `pg_ctl restart` does. All that ran."""
        running = self.processes.all()
        self._server.stop()
        return running

    def start(self) -> None:
        self._server = self._started()

    def start_again(self) -> None:
        """If it has ended by itself."""
        if self._server.child.has_ended:
            self.start()

    def end(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.processes.send(signal.SIGCONT)
        self._server.stop()


def runs(process: psutil.Process) -> bool:
    """Whether it is more than a number that nobody has fetched."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


class Door:
    """The gateway, a real Caddy, always on its own port."""

    def __init__(self, services: Mapping[str, Service], folder: Path) -> None:
        self._before = {name: Started(each.process, each.url) for name, each in services.items()}
        self._folder = folder
        self._port = free_port()
        self._opened = ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._opened.enter_context(gateway(self._before, self._folder, self._port))

    def kill(self) -> psutil.Process:
        (caddy,) = (
            child
            for child in psutil.Process().children()
            if str(self._folder / "Caddyfile") in child.cmdline()
        )
        caddy.kill()
        self.end()
        return caddy

    def end(self) -> None:
        self._opened.close()


class Events(msgspec.Struct, frozen=True):
    """url: of ClickHouse. token: of project 1, for what is captured."""

    url: str
    token: str


def _token(query: Service, key: dict[str, str]) -> str:
    project = httpx.get(f"{query.url}/api/projects/1/", headers=key, timeout=60).json()
    return str(project["api_token"])


class Cluster:
    """url: of the gateway. key: headers of an administrator. events: where there is a ClickHouse.

    cable: between `command 2` and PostgreSQL. disks: of the folders that can be made full, if any.
    clock: the file that moves the clock of command and projector, where libfaketime is there.
    """

    def __init__(
        self,
        *,
        folder: Path,
        services: Mapping[str, Service],
        database: PostgresServer | Replicated,
        nats: nats_cluster.Cluster,
        cable: Cable,
        shard: Shard | None,
    ) -> None:
        self.folder = folder
        self.services = services
        self.database = database
        self.nats = nats
        self.cable = cable
        self.disks = folder / "disks"
        self.clock = folder / "clock"
        self.shard = shard
        self.events: Events | None = None
        self.door = Door({}, folder)
        self.key: dict[str, str] = {}

    @property
    def url(self) -> str:
        return self.door.url

    @property
    def single(self) -> PostgresServer:
        assert isinstance(self.database, PostgresServer), "it is a primary and its standby"
        return self.database

    @property
    def pair(self) -> Replicated:
        assert isinstance(self.database, Replicated), "it has no standby"
        return self.database

    @property
    def shard_of_all(self) -> Shard:
        assert self.shard is not None, "there is no ClickHouse"
        return self.shard

    def of(self, kind: str) -> list[Service]:
        return [service for service in self.services.values() if service.kind == kind]

    def logs(self) -> str:
        return "\n".join(f"{name}: {one.said()}" for name, one in self.services.items())


SERVICES = ("command", "command 2", "query", "query 2", "projector", "projector 2")


class Kind(msgspec.Struct, frozen=True):
    """A deployment.

    clickhouse: else product events and computations wait. pair: PostgreSQL has a standby.
    disks: folders are on disks of their own, where one may mount. clock: it can be moved, where
    libfaketime is.
    """

    services: tuple[str, ...] = SERVICES
    clickhouse: bool = True
    pair: bool = False
    disks: bool = False
    clock: bool = False


PLAIN = Kind()


@contextmanager
def deployed(kind: Kind = PLAIN) -> Iterator[Cluster]:
    """All of it, ready; ended afterwards. Raises CannotMount."""
    with ExitStack() as opened:
        folder = opened.enter_context(servers.server_folder())
        where = dict.fromkeys(("postgres", "nats"), folder)
        if kind.disks:
            (folder / "disks").mkdir(mode=0o711)
            for name in where:
                where[name] = folder / "disks" / name
                opened.enter_context(small_disk(where[name]))
        database = _database(kind, where["postgres"], opened)
        nats = opened.enter_context(nats_cluster.nats_cluster(where["nats"]))
        there = opened.enter_context(shard(folder / "clickhouse", 1)) if kind.clickhouse else None
        urls = Urls(database.url, nats.url, NOBODY if there is None else there.url)
        migrate(urls)
        sockets = database.primary.sockets if isinstance(database, Replicated) else database.sockets
        cable = opened.enter_context(socket_cable(sockets / SOCKET))
        cluster = Cluster(
            folder=folder,
            services={name: Service(name, urls, SETTINGS, folder) for name in kind.services},
            database=database,
            nats=nats,
            cable=cable,
            shard=there,
        )
        if not kind.pair:
            cluster.services["command 2"].set("database_url", cable.of(database.url))
        if kind.clock:
            for name in ("command", "projector"):
                cluster.services[name].fake_clock(cluster.clock)
        for service in cluster.services.values():
            opened.callback(service.end)
            service.start()
        cluster.key = {"Authorization": f"Bearer {first_key(urls)}"}
        for service in cluster.services.values():
            service.wait()
        if there is not None:
            cluster.events = Events(there.url, _token(cluster.services["query"], cluster.key))
        cluster.door = Door(cluster.services, folder)
        opened.callback(cluster.door.end)
        cluster.door.start()
        yield cluster


def _database(kind: Kind, folder: Path, opened: ExitStack) -> PostgresServer | Replicated:
    if kind.pair:
        return opened.enter_context(replicated(folder))
    server = PostgresServer(folder)
    opened.callback(server.end)
    return server
