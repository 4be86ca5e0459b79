"""The data folder: who may use it, and how a command finds the server that runs on it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from services.embedded.account import Account, account_for, refuse_unreachable
from services.embedded.refusal import CannotStart

_POLL_SECONDS = 0.05


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a serving process tells the commands beside it. The URLs carry secrets."""

    pid: int
    url: str
    postgres_url: str
    nats_url: str


class DataFolder(msgspec.Struct, frozen=True):
    """A data folder that this process alone uses, until it lets go of the lock."""

    path: Path
    account: Account

    def announce(self, running: Running) -> None:
        """From now on `find` answers this. Whole or not at all: it is read at any moment."""
        unfinished = self.path / "running.json.unfinished"
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(running))
        unfinished.rename(_announcement(self.path))


class InUse(CannotStart):
    """Another process holds the lock of the data folder."""


@contextmanager
def claim(path: Path) -> Iterator[DataFolder]:
    """Make the folder if need be, and keep it to ourselves. Raises InUse, CannotStart.

    The lock is the kernel's: it goes when the process does, however that ends, and child servers
    do not inherit it. What is made while we have it is ours alone: events, logs and all.
    """
    path = path.expanduser().absolute()
    _make(path)
    with _private(), (path / "lock").open("a+") as lock:
        if not _taken(lock):
            raise InUse(_in_use(path))
        account = account_for(path)
        if not account.is_this_process:
            # The account's own folders are below; it has to pass through, and sees nothing here.
            path.chmod(0o711)
            refuse_unreachable(account, path)
        _announcement(path).unlink(missing_ok=True)
        try:
            yield DataFolder(path, account)
        finally:
            _announcement(path).unlink(missing_ok=True)


@contextmanager
def _private() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def find(path: Path, wait_seconds: float = 60.0) -> Running | None:
    """The server that runs on this data folder; None when nothing does.

    A server that is just starting is waited for, since it has the lock and not yet a URL.
    """
    path = path.expanduser().absolute()
    deadline = time.monotonic() + wait_seconds
    while _is_locked(path):
        if (running := _announced(path)) is not None:
            return running
        if time.monotonic() > deadline:
            raise InUse(_in_use(path))
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
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as cause:
        raise CannotStart(f"{path} is not a folder; choose another with --data-dir.") from cause
    except OSError as cause:
        raise CannotStart(f"{path} can't be made: {cause.strerror}.") from cause
    if not os.access(path, os.W_OK | os.X_OK):
        raise CannotStart(f"{path} can't be written by this user; choose another with --data-dir.")


def _announcement(path: Path) -> Path:
    return path / "running.json"


def _announced(path: Path) -> Running | None:
    try:
        return msgspec.json.decode(_announcement(path).read_bytes(), type=Running)
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
