"""`recount serve`: starts the servers, serves all services from one process, stops in order."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import msgspec
import uvicorn
import uvloop
from litestar import Litestar

from services.common import logs, tracing
from services.common.bus_accounts import LettingIn
from services.common.clickhouse import embedded_url
from services.common.postgres.migrate import migrate, migrate_alone
from services.common.process import Server, settle, tell_unknown
from services.common.tasks import watched
from services.embedded import composition, datadir, nats, postgres, processes
from services.embedded.backups.freezing import keep_freezing
from services.embedded.datadir import DataFolder, RunningServer
from services.embedded.healing import keep_taking
from services.embedded.nats import Nats
from services.embedded.processes import Child
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings
from services.embedded.welcome import Welcome

# The seconds that requests under way have to end after SIGTERM.
GRACE_SECONDS = 10
_WATCH_SECONDS = 0.5


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The command's options. data_dir: None where none was named.

    demo: whether a first start imports the demo data set.
    """

    host: str
    port: int
    data_dir: Path | None
    demo: bool


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the three servers are. children: those that are ours, which must not end before us.

    bus: NATS, if it is ours. subscribers: how they get on it.
    """

    postgres_url: str
    nats_url: str
    clickhouse_url: str
    children: Sequence[Child]
    bus: Nats | None
    subscribers: LettingIn


def serve_until_stopped(wanted: ServeOptions, settings: EmbeddedSettings) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, 1 when a server ended under us. Raises CannotStart.

    Refusals come before anything is started: the port first, then the folder.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    folder: DataFolder | None = None
    code = 0
    try:
        with ExitStack() as opened:
            logs.configure()
            tell_unknown(EmbeddedSettings, "embedded")
            tracing.start("embedded", os.environ)
            opened.callback(tracing.stop)
            listening = opened.enter_context(_listen(wanted.host, wanted.port))
            path = datadir.unnamed() if wanted.data_dir is None else wanted.data_dir
            if datadir.is_new(datadir.whole(path)):
                _say(f"Making a new data folder: {_shown(path)}")
            folder = opened.enter_context(datadir.claim(path))
            _say(f"Starting PostgreSQL, NATS and ClickHouse in {folder.path} …")
            servers = opened.enter_context(own_servers(folder, settings))
            (migrate if settings.postgres_url else migrate_alone)(servers.postgres_url)
            serving = _Process(wanted, listening, folder, servers, settings)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                code = runner.run(serving.run())
    except KeyboardInterrupt:
        pass
    if code == 0 and folder is not None:
        _say(f"Stopped. Everything is kept in {folder.path}; the same command goes on from there.")
    return code


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _shown(path: Path) -> str:
    if not path.is_symlink():
        return str(datadir.whole(path))
    return f"{datadir.whole(path)} ({path} links to it, since the servers' account can't reach it)"


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    """The listening socket, ours from now on: who asks before we are ready waits a moment."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as cause:
        raise CannotStart(
            f"There is no address {host!r} to listen on: {cause.strerror}."
        ) from cause
    with socket.socket(family, kind, protocol) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(2048)
        except OSError as cause:
            raise CannotStart(
                f"Can't listen on {host}:{port}: {os.strerror(cause.errno or 0)}. "
                "Choose another with --port (make run: PORT=8001)."
            ) from cause
        yield listening


@contextlib.contextmanager
def own_servers(folder: DataFolder, settings: EmbeddedSettings) -> Iterator[Servers]:
    """Starts the servers that the settings give no URL of; stops them in reverse: NATS first."""
    children: list[Child] = []
    with ExitStack() as started:
        # A second Ctrl-C now would leave a server without its orderly end.
        started.callback(_ignore_signals)
        bus: Nats | None = None
        postgres_url, nats_url = settings.postgres_url, settings.nats_url
        if postgres_url is None:
            database = postgres.start(folder.path / "postgres", folder.account)
            started.callback(database.stop)
            children.append(database.child)
            postgres_url = database.url
        if nats_url is None:
            bus = nats.start(folder.path / "nats", folder.account)
            started.callback(bus.stop)
            children.append(bus.child)
            nats_url = bus.url
        issuer, system_user = (
            (settings.nats_issuer, settings.nats_system_user)
            if bus is None
            else (bus.issuer, bus.system_user)
        )
        started.callback(_ignore_signals)
        yield Servers(
            postgres_url=postgres_url,
            nats_url=nats_url,
            clickhouse_url=settings.clickhouse_url or embedded_url(folder.path / "chdb"),
            children=children,
            bus=bus,
            subscribers=LettingIn(
                issuer=issuer, system_user=system_user, public_url=settings.nats_public_url
            ),
        )


def composed(folder: DataFolder, servers: Servers, settings: EmbeddedSettings) -> Litestar:
    """All services, as the settings want them. Raises InvalidSettings."""
    return composition.application(
        servers,
        settings.budgets(),
        settings.proxies(),
        servers.subscribers,
        settings,
        settings.facts(),
        settings.streams(),
        settings.reads_options(folder.path),
        settings.seals(),
        settings.proofs(folder.path),
        settings.audit_facts_per_second,
    )


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Process:
    """The one process of embedded mode, from the first request to the last."""

    def __init__(
        self,
        wanted: ServeOptions,
        listening: socket.socket,
        folder: DataFolder,
        servers: Servers,
        settings: EmbeddedSettings,
    ) -> None:
        self._wanted = wanted
        self._listening = listening
        self._folder = folder
        self._servers = servers
        self._settings = settings
        self._ended: Child | None = None

    async def run(self) -> int:
        app = composed(self._folder, self._servers, self._settings)
        server = _Server(app)
        settle()
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        watching = watched("servers", self._watch(server))
        welcoming = asyncio.create_task(self._welcome(server))
        tasks = [watching, welcoming]
        if self._settings.clickhouse_url is None:
            tasks.append(watched("freezing", keep_freezing(self._folder.path)))
        if self._servers.bus is not None:
            tasks.append(watched("healing", self._heal(app, server, self._servers.bus)))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _stop, server, welcoming)
        await serving
        for task in tasks:
            task.cancel()
        stopped = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in stopped:
            if isinstance(outcome, Exception):
                raise outcome
        if not server.started:
            raise CannotStart("The services did not start; the reason is above.")
        return 0 if self._ended is None else 1

    async def _welcome(self, server: "_Server") -> None:
        """Once it serves: what the first start owes, then the one line that says ready."""
        await server.ready.wait()
        url = _url(self._wanted.host, self._wanted.port)
        welcome = Welcome(url, self._folder.path, self._servers.postgres_url)
        try:
            await welcome.prepare(demo=self._wanted.demo)
            self._folder.announce(
                RunningServer(
                    pid=os.getpid(),
                    url=url,
                    postgres_url=self._servers.postgres_url,
                    nats_url=self._servers.nats_url,
                )
            )
            await welcome.greet()
        except BaseException:
            server.should_exit = True
            raise

    async def _heal(self, app: Litestar, server: "_Server", bus: Nats) -> None:
        await server.ready.wait()
        await keep_taking(app, bus)

    async def _watch(self, server: uvicorn.Server) -> None:
        """Without its servers this process can't keep a promise: it ends, and says why.

        While they run, their logs are kept short.
        """
        while True:
            for child in self._servers.children:
                if child.has_ended:
                    _say(f"{child.name} has ended; stopping. Its log: {child.log}")
                    self._ended = child
                    server.should_exit = True
                    return
                await asyncio.to_thread(processes.bound, child.log)
            await asyncio.sleep(_WATCH_SECONDS)


class _Server(Server):
    """Without signal handlers of its own, which would end the process before its servers.

    ready: set once it answers requests.
    """

    def __init__(self, app: Litestar) -> None:
        super().__init__(app, GRACE_SECONDS, loop="none")
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:
            # Nobody waits for requests any more; what the application opened is closed all the
            # same, in its order, or its end would be a trace.
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _stop(server: uvicorn.Server, welcoming: "asyncio.Task[None]") -> None:
    """The second signal does not wait for requests any more. A first start is taken up later."""
    if not server.should_exit:
        _say("\nStopping: requests under way are answered first; Ctrl-C again does not wait.")
    welcoming.cancel()
    server.force_exit = server.should_exit
    server.should_exit = True


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - what was asked for
    return f"http://{shown}:{port}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
