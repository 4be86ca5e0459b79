"""Becomes one embedded server: drops root, ties its life to its parent's, then runs the program.

Run by path with `python -I -S`, so it imports nothing but the standard library. A launcher and not
`preexec_fn`, because code between fork and exec is unsafe in a process that has threads.

Arguments: the parent's process id, the signal that its death sends us, an account name or "-", the
program, its arguments.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if account != "-":
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    os.umask(0o077)
    # After setuid: the kernel forgets the death signal when a process changes its credentials.
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # The parent may have died before the line above; nobody would tell us any more.
    if os.getppid() != parent:
        sys.exit("the process that started this server is gone")
    os.execv(command[0], command)  # noqa: S606 - the program comes from the wheel we installed


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
