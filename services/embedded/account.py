"""The account that the embedded servers run as, and its way to the files that it needs.

PostgreSQL refuses to run as root. Started by root, the servers therefore run as an account that the
machine already has; nothing is created, and no folder above the data folder is opened up. Where one
of those is closed (the home folder of root is), the account gets the right to pass, and no other.
"""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.embedded.refusal import CannotStart

# Present on every Linux and macOS; the first that exists is taken.
UNPRIVILEGED = ("nobody", "daemon", "www-data")

LAUNCHER = Path(__file__).with_name("child.py")

# Rights to pass closed folders, the smaller first: to read and enter everything; to write, too,
# which is the one that containers leave to root. `child.py` knows their numbers.
_PASSING = ("dac_read_search", "dac_override")


class FolderUnreachable(CannotStart):
    """The servers' account can't get into the folder."""


class Account(msgspec.Struct, frozen=True):
    """An account of this machine. capability: the right it needs to reach its folders, if any."""

    name: str
    uid: int
    gid: int
    capability: str | None = None

    @property
    def is_this_process(self) -> bool:
        return self.uid == os.geteuid()


def account_for(folder: Path) -> Account:
    """The account that the servers of this (existing) data folder run as, and that can enter it.

    Raises FolderUnreachable, or CannotStart when there is no account to take.
    """
    return reaching(account_of(folder), folder)


def account_of(folder: Path) -> Account:
    """Ourselves; for root, the owner of the folder, or an unprivileged account if that is root too.

    Raises CannotStart.
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


def reaching(account: Account, folder: Path) -> Account:
    """The account with what it needs to enter the folder and, if that can be, our packages.

    Raises FolderUnreachable, or CannotStart where root may not become another account at all.
    """
    if account.is_this_process:
        return account
    packages = Path(sysconfig.get_path("platlib"))
    able = [msgspec.structs.replace(account, capability=each) for each in (None, *_PASSING)]
    for needed in ((folder, packages), (folder,)):
        for each in able:
            if _can_enter(each, *needed):
                return each
    runs_as = f"Started by root, PostgreSQL and NATS run as another account, here {account.name!r}"
    if not _can_enter(account, Path("/")):
        raise CannotStart(
            f"{runs_as}; but this root may not become another. Start recount as another user."
        )
    raise FolderUnreachable(
        f"{runs_as}, which can't enter {folder}; and this root may not give it the right to. "
        "Choose a data folder below one that everybody may enter, such as /var/lib/recount "
        "(make run: DATA_DIR=/var/lib/recount)."
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


def launched(account: Account, command: Sequence[str], death_signal: int = 0) -> list[str]:
    """The command line that runs `command` as the account.

    death_signal: what it gets when this process (this thread, on Linux) ends; 0: nothing.
    """
    name = "-" if account.is_this_process else account.name
    ours = [str(os.getpid()), str(int(death_signal)), name, account.capability or "-"]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *ours, *command]


def _can_enter(account: Account, *folders: Path) -> bool:
    every = 'for folder; do cd "$folder" || exit; done'
    return _succeeds(account, ["/bin/sh", "-c", every, "sh", *map(str, folders)])


def _succeeds(account: Account, command: Sequence[str]) -> bool:
    """Asked of the kernel, by doing it as that account: a question (`test -x`) gets the answer that
    the account without its capability would get.
    """
    done = subprocess.run(  # noqa: S603 - our launcher; no shell expansion: paths are arguments
        launched(account, command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        check=False,
    )
    return done.returncode == 0


def own_folder(account: Account, folder: Path) -> Path:
    """Make `folder`, private to the account. Raises CannotStart when it is a link."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if not account.is_this_process:
        if folder.is_symlink():
            # The owner of the data folder could have us give away any other.
            raise CannotStart(f"{folder} is a link; started by root, recount takes a folder alone.")
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return folder


def reachable_program(account: Account, program: Path, parts: Sequence[Path], copies: Path) -> Path:
    """The program, or its copy below `copies` where the account can't run the installed one.

    parts: what it needs of the installed packages, files or folders, itself among them.
    copies: a folder for this version of it alone.
    """
    if account.is_this_process or _succeeds(account, [str(program), "--version"]):
        return program
    packages = Path(os.path.commonpath([part.parent for part in parts]))
    copy = copies / program.relative_to(packages)
    if not copies.exists():
        unfinished = copies.with_name(f"{copies.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in parts:
            _copy(part, unfinished / part.relative_to(packages))
        _open_up(unfinished)
        copies.parent.chmod(0o755)
        unfinished.rename(copies)
    if not _succeeds(account, [str(copy), "--version"]):
        raise CannotStart(
            f"The account {account.name!r} can run neither {program} nor its copy {copy}. Choose a "
            "data folder on a file system that programs may be run from."
        )
    return copy


def _copy(part: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if part.is_dir():
        shutil.copytree(part, to, symlinks=True)
    else:
        shutil.copy(part, to)


def _open_up(tree: Path) -> None:
    """Everybody may read it, and run what its owner may."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
