"""Which account the embedded servers run as, and whether it can reach what it needs.

PostgreSQL refuses to run as root. Started by root, the servers therefore run as an account that the
machine already has; nothing is created and no folder above the data folder is opened up.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import msgspec

from services.embedded.refusal import CannotStart

# Present on every Linux and macOS; the first that exists is taken.
UNPRIVILEGED = ("nobody", "daemon", "www-data")


class Account(msgspec.Struct, frozen=True):
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_this_process(self) -> bool:
        return self.uid == os.geteuid()


def account_for(folder: Path) -> Account:
    """The account that the servers of this (existing) data folder run as.

    Ourselves; for root, whoever owns the folder, or an unprivileged account when that is root too.
    """
    if os.geteuid() != 0:
        return _entry(os.geteuid())
    owner = folder.stat().st_uid
    if owner != 0:
        return _entry(owner)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise CannotStart(
        "PostgreSQL does not run as root, and this machine has none of the accounts "
        f"{', '.join(UNPRIVILEGED)}. Start recount as another user, or let one own {folder}."
    )


def _entry(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as cause:
        raise CannotStart(
            f"User id {uid} has no account on this machine, and PostgreSQL needs a name. "
            "Start recount as a user that exists."
        ) from cause
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may enter (or run) this path: asked of the kernel, as that account."""
    if account.is_this_process:
        return os.access(path, os.X_OK)
    asked = subprocess.run(  # noqa: S603 - no shell expansion: the path is an argument
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return asked.returncode == 0


def refuse_unreachable(account: Account, folder: Path) -> None:
    """Raises CannotStart when the account can't get into the folder."""
    if not can_reach(account, folder):
        raise CannotStart(
            "Started by root, PostgreSQL and NATS run as another account, here "
            f"{account.name!r}, which can't enter {folder}. Choose a data folder below one that "
            "everybody may enter, such as /var/lib/recount (make run: DATA_DIR=/var/lib/recount)."
        )


def own_folder(account: Account, folder: Path) -> Path:
    """Make `folder`, private to the account; raises CannotStart when it can't get into it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if not account.is_this_process:
        if folder.is_symlink():
            # Whoever owns the data folder could have us give away any other.
            raise CannotStart(f"{folder} is a link; started by root, recount takes a folder alone.")
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    refuse_unreachable(account, folder)
    return folder


def reachable_program(account: Account, program: Path, tree: Path, copies: Path) -> Path:
    """The program, or its copy below `copies` where the account can't reach the installed one.

    tree: the folder (or the program alone) that has to be copied with it.
    """
    if can_reach(account, program):
        return program
    copy = copies / tree.name
    if not copy.exists():
        copies.mkdir(mode=0o755, exist_ok=True)
        copies.chmod(0o755)
        unfinished = copies / f"{tree.name}.unfinished"
        if tree.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(tree, unfinished, symlinks=True)
            unfinished.chmod(0o755)
        else:
            shutil.copy(tree, unfinished)
            unfinished.chmod(0o755)
        unfinished.rename(copy)
    return copy / program.relative_to(tree) if tree.is_dir() else copy
