"""Disks of a size that can be changed, for what happens when one is full."""

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 2 * 1024**3


_ROOM = 4 * 1024**2
_FILLER = "filler"


class CannotMount(Exception):
    """Nobody may mount here."""


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own in the folder. Raises CannotMount."""
    folder.mkdir(mode=0o711)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "tmpfs", str(folder)]
    if shutil.which("mount") is None:
        raise CannotMount("there is no mount")
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise CannotMount(mounted.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Nothing more has room on it."""
    at = os.statvfs(folder)
    # It goes on growing meanwhile, and no disk gets smaller than what is on it.
    _resize(folder, (at.f_blocks - at.f_bfree) * at.f_frsize + _ROOM)
    with contextlib.suppress(OSError), (folder / _FILLER).open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(64 * 1024))


def is_full(folder: Path) -> bool:
    """Whether a write there gets ENOSPC."""
    probe = folder / "probe"
    try:
        probe.write_bytes(bytes(64 * 1024))
    except OSError as cause:
        return cause.errno == errno.ENOSPC
    finally:
        probe.unlink(missing_ok=True)
    return False


def enlarge(folder: Path) -> None:
    """All is as it was."""
    (folder / _FILLER).unlink(missing_ok=True)
    _resize(folder, SIZE)


def _resize(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
