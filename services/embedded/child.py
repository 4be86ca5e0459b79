"""Becomes one embedded server: drops root, ties its life to its parent's, then runs the program.

Run by path with `python -I -S`, so it imports nothing but the standard library. A launcher and not
`preexec_fn`, because code between fork and exec is unsafe in a process that has threads.

Arguments: the parent's process id, the signal that its death sends us (0: none), an account name or
"-", a capability to keep or "-", the program, its arguments.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2

# An account that is not root keeps its capabilities, and `access` counts them: PostgreSQL asks it
# whether its own programs are there.
SECBIT_NO_SETUID_FIXUP = 1 << 2

CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES = {"dac_override": 1, "dac_read_search": 2}


def main(parent: int, death_signal: int, account: str, capability: str, command: list[str]) -> None:
    if account != "-":
        _become(account, None if capability == "-" else CAPABILITIES[capability])
    os.umask(0o077)
    # After setuid: the kernel forgets the death signal when a process changes its credentials.
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # The parent may have died before the line above; nobody would tell us any more.
    if os.getppid() != parent:
        sys.exit("the process that started this server is gone")
    os.execv(command[0], command)  # noqa: S606 - the program comes from the wheel we installed


def _become(account: str, capability: int | None) -> None:
    if capability is not None:
        _check(_libc().prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    entry = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if capability is not None:
        # Of all that root had, this one is left, for the program and what it starts.
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        bit = 1 << capability
        # Effective, permitted, inheritable; then the same for numbers from 32 on.
        _check(_libc().capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)))
        _check(_libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        sys.exit(os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
