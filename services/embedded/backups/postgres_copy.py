"""PostgreSQL's own copy of itself, by its own programs."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from services.embedded import postgres
from services.embedded.account import Account, launched
from services.embedded.refusal import CannotStart

LOOK_SECONDS = 0.5
_PROGRESS = "SELECT backup_streamed, coalesce(backup_total, 0) FROM pg_stat_progress_basebackup"

OnBytes = Callable[[int, int], None]


def copy(url: str, to: Path, programs: Path, on_bytes: OnBytes) -> None:
    """A base backup with all of the write-ahead log that it needs. `to` is made.

    Raises CannotStart in PostgreSQL's words.
    """
    command = [
        str(programs / "pg_basebackup"),
        f"--dbname={url}",
        f"--pgdata={to}",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--no-password",
    ]
    # It ends when we do: or it would go on writing into the folder of the next try.
    ours = Account("", os.geteuid(), os.getegid())
    with subprocess.Popen(  # noqa: S603 - a program of ours; no shell
        launched(ours, command, signal.SIGTERM),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        text=True,
    ) as process:
        watching = threading.Thread(target=_watch, args=(url, process, on_bytes), daemon=True)
        watching.start()
        try:
            said = "" if process.stdout is None else process.stdout.read()
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    if code != 0:
        raise CannotStart(f"PostgreSQL was not copied: {_last(said)} (exit code {code}).")


def check(copied: Path, programs: Path) -> None:
    """Every file is as it was copied, and the log is whole. Raises CannotStart."""
    done = subprocess.run(  # noqa: S603 - a program of ours; no shell
        [str(programs / "pg_verifybackup"), "--quiet", str(copied)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotStart(f"{copied} is not as it was copied: {_last(done.stdout)}")


def programs_for(account: Account, folder: Path) -> Path:
    """The folder of the programs. folder: of the data, which may hold copies of them."""
    return postgres.programs(account, folder / "programs")


def _watch(url: str, process: "subprocess.Popen[str]", on_bytes: OnBytes) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as conn:
            while process.poll() is None:
                row = conn.execute(_PROGRESS).fetchone()
                if row is not None:
                    on_bytes(int(row[0]), int(row[1]))
                time.sleep(LOOK_SECONDS)
    except psycopg.Error:
        return  # only the bar stands still


def _last(said: str) -> str:
    lines: Sequence[str] = [line for line in said.splitlines() if line.strip()]
    return " ".join(line.partition(": error: ")[2] or line for line in lines[-3:]) or "no reason"
