"""Runs a program as in a container that has not all of root's capabilities; run by path.

Arguments: their numbers (man 7 capabilities), separated by commas, and the program's command line.
"""

import ctypes
import os
import sys

PR_CAPBSET_DROP = 24

for number in sys.argv[1].split(","):
    if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, int(number), 0, 0, 0) != 0:
        sys.exit(f"capability {number} can't be dropped")
os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what a test wants to run
