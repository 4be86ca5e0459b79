"""A primary and its standby, to be held back, killed and promoted: the wheel's own servers.

    with replicated(folder) as pair:
        migrate(pair.url)
        pair.wait_until_level()  # the standby has everything
        pair.hold_back()         # from now on it gets nothing
        ...                      # so these writes are the primary's alone
        pair.fail_over()         # the primary is killed, the standby promoted

Clients take `pair.url`, which names all servers and finds the one that can be written to. A primary
that was killed never comes back (it is fenced); `add_standby` makes the next standby.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from services.embedded import postgres, processes
from services.embedded.account import Account, account_for, own_folder
from tests.waiting import PATIENCE_SECONDS, until

# A killed process loses nothing that the kernel has; see tests/servers.py.
_SETTINGS: Mapping[str, str] = {
    **postgres.SETTINGS,
    "fsync": "off",
    "full_page_writes": "off",
    "wal_keep_size": "256MB",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "100ms",
}

# In pg_hba.conf `all` is every database, and replication is none.
_REPLICATION = "local replication all peer map=recount\n"


class Server:
    """One PostgreSQL of a pair. sockets: the folder of its sockets, which is its address."""

    def __init__(self, child: processes.Child, cluster: Path, sockets: Path) -> None:
        self.child = child
        self.cluster = cluster
        self.sockets = sockets

    def url_of(self, database: str) -> str:
        return f"postgresql://{postgres.ROLE}@/{quote(database)}?host={_quoted(self.sockets)}"

    @property
    def url(self) -> str:
        return self.url_of(postgres.DATABASE)

    def ask(self, statement: str) -> object:
        """The first column of the statement's first row; None where it has no rows."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]

    def kill(self) -> None:
        """As a power cut would: all of its processes at once. Returns when they are gone."""
        killed = self._send(signal.SIGKILL)
        self.child.wait()
        psutil.wait_procs(killed, timeout=PATIENCE_SECONDS)

    def freeze(self) -> None:
        """All of its processes stop; connections stay, and nothing answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        """At the end of a test, whatever has become of it."""
        if not self.child.has_ended:
            self.thaw()
            self.child.stop()

    def _send(self, by: signal.Signals) -> list[psutil.Process]:
        first = psutil.Process(self.child.pid)
        # The first process is the last to be stopped, as it would start the others again.
        sent = [first, *first.children(recursive=True)]
        for process in sent:
            try:
                process.send_signal(by)
            except psutil.NoSuchProcess:
                continue
        return sent


class Replicated:
    """url: of all servers there are; a client gets the one that takes writes."""

    def __init__(self, folder: Path, account: Account, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._account = account
        self._settings = {**_SETTINGS, **settings}
        self._programs = postgres.programs(account, folder / "programs")
        self._held_back = ""
        self.servers: list[Server] = []

    def start(self) -> None:
        self.primary = self._started(self._made_primary())
        self.add_standby()

    @property
    def url(self) -> str:
        """Of the servers that there are now; a standby that is added later is not in it."""
        hosts = ",".join(_quoted(server.sockets) for server in self.servers)
        database = f"postgresql://{postgres.ROLE}@/{postgres.DATABASE}"
        return f"{database}?host={hosts}&target_session_attrs=read-write"

    def add_standby(self) -> Server:
        """A standby of the present primary, made from a base backup; it follows at once."""
        folder = self._next_folder()
        self._copy(self.primary, folder)
        self.standby = self._started(folder)
        return self.standby

    def wait_until_level(self) -> None:
        """The standby has all that the primary has written until now, and has applied it."""
        target = self.primary.ask("SELECT pg_current_wal_flush_lsn()")
        self._wait(
            self.standby, f"SELECT pg_last_wal_replay_lsn() >= '{target}'::pg_lsn", "it is level"
        )

    def hold_back(self) -> None:
        """The standby gets nothing from now on; what it has got is applied."""
        self.wait_until_level()
        self._held_back = str(self.standby.ask("SHOW primary_conninfo"))
        self._follow("")
        self._wait(
            self.standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver", "nothing is received"
        )

    def let_go(self) -> None:
        """The standby follows again, and gets what it has missed."""
        self._follow(self._held_back)

    def fail_over(self) -> None:
        """The primary dies; the standby is promoted, with what it has got."""
        self.primary.kill()
        self.promote()

    def promote(self) -> None:
        """The standby is the primary from now on, on a timeline of its own; returns when it is.

        The old one is not touched: where it still lives, two servers take writes.
        """
        self.standby.ask("SELECT pg_promote(wait => false)")
        self._wait(self.standby, "SELECT NOT pg_is_in_recovery()", "it is promoted")
        self.primary = self.standby

    def stop(self) -> None:
        for server in reversed(self.servers):
            server.stop()

    def _follow(self, conninfo: str) -> None:
        with psycopg.connect(self.standby.url, autocommit=True) as connection:
            said = sql.Literal(conninfo)
            connection.execute(sql.SQL("ALTER SYSTEM SET primary_conninfo = {}").format(said))
            connection.execute("SELECT pg_reload_conf()")

    def _made_primary(self) -> Path:
        """The folder of a cluster with a database, where standbys may copy from."""
        folder = self._next_folder()
        made = postgres.start(folder, self._account, self._settings)
        made.stop()
        with (folder / "cluster" / "pg_hba.conf").open("a") as rules:
            rules.write(_REPLICATION)
        return folder

    def _next_folder(self) -> Path:
        folder = self._folder / f"pg{len(self.servers)}"
        return own_folder(self._account, folder)

    def _started(self, folder: Path) -> Server:
        cluster = folder / "cluster"
        sockets = own_folder(self._account, folder / "sockets")
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        child = processes.start(
            f"PostgreSQL {folder.name}",
            [str(self._programs / "postgres"), "-D", str(cluster), "-k", str(sockets), *options],
            account=self._account,
            log=folder.with_name(f"{folder.name}.log"),
            stopping=postgres.STOPPING,
        )
        server = Server(child, cluster, sockets)
        self.servers.append(server)
        # Here and not by its pid file, where a standby's state is another one.
        self._wait(server, "SELECT true", "it takes connections")
        return server

    def _copy(self, source: Server, folder: Path) -> None:
        log = self._folder / "basebackup.log"
        child = processes.start(
            "pg_basebackup",
            [
                str(self._programs / "pg_basebackup"),
                f"--pgdata={folder / 'cluster'}",
                f"--dbname=host={source.sockets} user={postgres.ROLE}",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--wal-method=stream",
                "--no-sync",
            ],
            account=self._account,
            log=log,
            stopping=postgres.STOPPING,
        )
        assert child.wait() == 0, processes.last_lines(log)

    def _wait(self, server: Server, condition: str, what: str) -> None:
        def holds() -> bool:
            assert not server.child.has_ended, processes.last_lines(server.child.log)
            try:
                return server.ask(condition) is True
            except psycopg.OperationalError:
                return False

        until(holds, f"{server.child.name}: {what}")


def _quoted(sockets: Path) -> str:
    return quote(str(sockets), safe="")


@contextmanager
def replicated(folder: Path, settings: Mapping[str, str] = {}) -> Iterator[Replicated]:
    """A primary with an asynchronous standby; settings: over those of the embedded server.

    folder: one that the servers' account can enter, with a short path (`servers.server_folder`).
    """
    account = account_for(folder)
    pair = Replicated(folder, account, settings)
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()
