"""The data folder: who may use it, and how a command finds the server that runs on it."""

import fcntl
import hashlib
import os
import pwd
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import msgspec

from services.embedded.account import Account, FolderUnreachable, account_of, reaching
from services.embedded.refusal import CannotStart

DEFAULT = Path("recount-data")

# Where data is kept from one start to the next on every Linux and macOS.
_ELSEWHERE = (Path("/var/lib/recount"), Path("/var/tmp/recount"))  # noqa: S108 - checked when taken

# Files that every data folder has from its first moment; one of them survives a tidy mind.
_MARKS = {"lock", "first-start.json"}

_POLL_SECONDS = 0.05


class RunningServer(msgspec.Struct, frozen=True, kw_only=True):
    """A serving process as it describes itself to commands on the same folder. The URLs carry
    secrets.
    """

    pid: int
    url: str
    postgres_url: str
    nats_url: str


class DataFolder(msgspec.Struct, frozen=True):
    """A data folder that this process alone uses, until it lets go of the lock."""

    path: Path
    account: Account

    def announce(self, running: RunningServer) -> None:
        """From now on `find` answers this. Whole or not at all: it is read at any moment."""
        unfinished = self.path / "running.json.unfinished"
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(running))
        unfinished.rename(_announcement(self.path))


class FolderInUse(CannotStart):
    """Another process holds the lock of the data folder."""


@contextmanager
def claim(path: Path) -> Iterator[DataFolder]:
    """Make the folder if need be, and keep it to ourselves. Raises FolderInUse, CannotStart.

    The lock is the kernel's: it goes when the process does, however that ends, and child servers
    do not inherit it. All that is made while we have it is ours alone: events, logs and all.
    """
    path = whole(path)
    _make(path)
    with _private(), (path / "lock").open("a+") as lock:
        if not _taken(lock):
            raise FolderInUse(_in_use(path))
        account = account_of(path)
        if not account.is_this_process and path.stat().st_uid != account.uid:
            # The account's own folders are below; it has to pass through, and sees nothing here.
            path.chmod(0o711)
        account = reaching(account, path)
        _announcement(path).unlink(missing_ok=True)
        try:
            yield DataFolder(path, account)
        finally:
            _announcement(path).unlink(missing_ok=True)


def whole(path: Path) -> Path:
    """The absolute path, without links: what is behind one may be reached where it is not."""
    return Path(os.path.realpath(os.path.expanduser(path)))


def unnamed() -> Path:
    """The data folder where nobody named one: DEFAULT, or a link of that name to a place that the
    servers' account can reach, made here. Raises CannotStart when there is none.
    """
    default = DEFAULT.absolute()
    if os.path.lexists(default):
        return default
    try:
        reaching(account_of(default.parent), default.parent)
    except FolderUnreachable:
        elsewhere = _elsewhere(default)
    else:
        return default
    default.symlink_to(elsewhere)
    return default


def _elsewhere(default: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(default)).hexdigest()[:8]
    for parent in _ELSEWHERE:
        try:
            for folder in (parent, parent / digest):
                folder.mkdir(mode=0o711, exist_ok=True)
                # Its name can be foreseen: take no one else's, and no link.
                if not stat.S_ISDIR(folder.lstat().st_mode) or folder.lstat().st_uid != 0:
                    raise FileExistsError
            reaching(account_of(parent / digest), parent / digest)
        except (OSError, FolderUnreachable):
            continue
        return parent / digest
    raise CannotStart(
        "Started by root, PostgreSQL and NATS run as another account, and there is no folder that "
        "it can reach. Name one with --data-dir (make run: DATA_DIR=…), or start recount as "
        "another user."
    )


def is_new(path: Path) -> bool:
    """Whether `claim` would begin a data folder there. Raises CannotStart when it would refuse."""
    entries = _entries(path)
    if entries is not None and entries & _MARKS:
        return False
    if entries is not None and entries - {"lost+found"}:
        raise CannotStart(f"{path} {_holds(entries)}. Choose a new folder, or an empty one.")
    return True


def existing(path: Path) -> Path:
    """The data folder as a whole path, for what looks and never makes.

    Raises CannotStart where there is none, or where another user's is closed to us.
    """
    path = whole(path)
    entries = _entries(path)
    if entries is None:
        what = f"{path} does not exist"
    elif not entries - {"lost+found"}:
        what = f"{path} is empty"
    elif entries & _MARKS:
        if not os.access(path / "lock", os.R_OK | os.W_OK):
            raise CannotStart(_of_another(path))
        return path
    else:
        what = f"{path} {_holds(entries)}"
    raise CannotStart(
        f"no data folder here: {what}. Name another with --data-dir; "
        f"`recount serve --data-dir {shlex.quote(str(path))}` makes one."
    )


def _entries(path: Path) -> set[str] | None:
    """The names in the folder; None when there is no folder. Raises CannotStart."""
    try:
        return set(os.listdir(path))
    except FileNotFoundError:
        return None
    except NotADirectoryError as cause:
        raise CannotStart(
            f"{path} is not a folder, and so no data folder here; choose another with --data-dir."
        ) from cause
    except PermissionError as cause:
        raise CannotStart(_of_another(path)) from cause
    except OSError as cause:
        raise CannotStart(f"{path} can't be read: {cause.strerror}.") from cause


def _holds(entries: set[str]) -> str:
    if "PG_VERSION" in entries:
        return "is a folder of PostgreSQL's own, and not a data folder of recount"
    some = ", ".join(repr(name) for name in sorted(entries)[:3])
    more = ", …" if len(entries) > 3 else ""
    return f"holds other files ({some}{more}), and is not a data folder of recount"


def _of_another(path: Path) -> str:
    """Why this user can't work on it: the nearest folder that can be seen tells whose it is."""
    us = _name_of(os.geteuid())
    for each in (path, *path.parents):
        try:
            owner = each.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return (
                f"{path} can't be used by {us}, because {each} belongs to {_name_of(owner)}. Start "
                f"recount as {_name_of(owner)}, or choose another folder with --data-dir."
            )
        break
    return f"{path} can't be used by {us}: permission denied. Choose another with --data-dir."


def _name_of(uid: int) -> str:
    try:
        return repr(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return f"user {uid}"


@contextmanager
def _private() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def find(path: Path, wait_seconds: float = 60.0) -> RunningServer | None:
    """The server that runs on this data folder; None when nothing does.

    A server that is just starting is waited for, since it has the lock and not yet a URL. Raises
    CannotStart where there is no data folder.
    """
    path = existing(path)
    deadline = time.monotonic() + wait_seconds
    while _is_locked(path):
        if (running := _announced(path)) is not None:
            return running
        if time.monotonic() > deadline:
            raise FolderInUse(_in_use(path))
        time.sleep(_POLL_SECONDS)
    return None


def _taken(lock: TextIO, seconds: float = 0.5) -> bool:
    """Whether the lock is ours now. Tried for a moment: `find` holds it while it looks."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def _make(path: Path) -> None:
    is_new(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as cause:
        raise CannotStart(f"{path} is not a folder; choose another with --data-dir.") from cause
    except PermissionError as cause:
        raise CannotStart(_of_another(path)) from cause
    except OSError as cause:
        raise CannotStart(f"{path} can't be made: {cause.strerror}.") from cause
    # A folder that root served with the rest of it: what was made meanwhile is root's.
    us = os.geteuid()
    for each in (path, *path.glob("*"), *path.glob("chdb/*")):
        with suppress(FileNotFoundError):
            if us != 0 and each.lstat().st_uid != us:
                raise CannotStart(_of_another(each))
    if not os.access(path, os.W_OK | os.X_OK):
        raise CannotStart(_of_another(path))


def _announcement(path: Path) -> Path:
    return path / "running.json"


def _announced(path: Path) -> RunningServer | None:
    try:
        return msgspec.json.decode(_announcement(path).read_bytes(), type=RunningServer)
    except FileNotFoundError:
        return None


def _is_locked(path: Path) -> bool:
    try:
        lock = (path / "lock").open("r")
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _in_use(path: Path) -> str:
    running = _announced(path)
    by = "another recount process" if running is None else f"{running.url} (process {running.pid})"
    return f"The data folder {path} is in use by {by}. Stop it, or choose another with --data-dir."
