"""Child servers: started so that they die with us, stopped, and found again if they did not."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.embedded.account import Account, launched
from services.embedded.refusal import CannotStart

_POLL_SECONDS = 0.01
MOST_LOG_BYTES = 8 * 1024 * 1024


class StopSignals(msgspec.Struct, frozen=True):
    """The signals that stop a server.

    politely, firmly: the signals, in order; SIGKILL follows when neither helps.
    patience_seconds: how long each of them is given.
    """

    politely: signal.Signals
    firmly: signal.Signals
    patience_seconds: float = 30.0


class Child:
    """One running server."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], log: Path, stopping: StopSignals
    ) -> None:
        self.name = name
        self._process = process
        self.log = log
        self._stopping = stopping

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self._process.wait()

    def stop(self) -> None:
        """Ask, then insist; returns when the process is gone. Safe to repeat."""
        for wanted in (self._stopping.politely, self._stopping.firmly, signal.SIGKILL):
            if self.has_ended:
                return
            self._process.send_signal(wanted)
            try:
                self._process.wait(self._stopping.patience_seconds)
            except subprocess.TimeoutExpired:
                continue

    def failed_to_start(self) -> CannotStart:
        """The error for a server that ended, or never became ready: its own last words."""
        return CannotStart(
            f"{self.name} did not start; the end of {self.log}:\n{last_lines(self.log)}"
        )


def start(
    name: str, command: Sequence[str], *, account: Account, log: Path, stopping: StopSignals
) -> Child:
    """Start a server that gets `stopping.politely` when this process dies, however it dies.

    From the main thread only: Linux sends the death signal when the starting *thread* ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{name} must be started from the main thread")
    bound(log)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our launcher and a program of ours
            launched(account, command, stopping.politely),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            # Ctrl-C goes to the whole foreground session; the servers have to outlive the app.
            start_new_session=True,
        )
    return Child(name, process, log, stopping)


def stop_orphan(pid: int, folder: Path, stopping: StopSignals) -> bool:
    """Stop the server `pid` if it still serves `folder`; False when that process is another one.

    After kill -9 of its parent a server may still be shutting down, or (without a death signal: not
    Linux) run on. A pid file alone proves nothing, since process ids come round again.
    """
    if not _serves(pid, folder):
        return False
    for wanted in (stopping.politely, stopping.firmly, signal.SIGKILL):
        try:
            os.kill(pid, wanted)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + stopping.patience_seconds
        while time.monotonic() < deadline:
            if not _serves(pid, folder):
                return True
            time.sleep(_POLL_SECONDS)
    raise CannotStart(f"Process {pid} still serves {folder} and can't be stopped.")


def _serves(pid: int, folder: Path) -> bool:
    return os.fsencode(folder) in _command_line(pid)


def _command_line(pid: int) -> bytes:
    """Empty for a process that is gone, or is only waiting to be reaped."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return b""
    shown = subprocess.run(  # noqa: S603 - a number is the only argument
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - ps has no one path
        capture_output=True,
        check=False,
    )
    return shown.stdout


def bound(log: Path) -> None:
    """Start the log again once it is longer than MOST_LOG_BYTES; what it held is in `….log.1`.

    Done here for every server, since their own ways do not do: PostgreSQL's bounds a log by time
    only, and neither covers what is said before a server has read its settings, nor its crash.
    They append, so they go on where the file now ends. A line that comes in between is lost.
    """
    try:
        if log.stat().st_size <= MOST_LOG_BYTES:
            return
    except FileNotFoundError:
        return
    # A disk that is full is the better reason to make the log short.
    with contextlib.suppress(OSError):
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log file; empty when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
