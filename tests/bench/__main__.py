"""`python -m tests.bench [NAME…]`: every benchmark of this folder, or some, one after the other.

Each in a process of its own, so that none measures what another has left behind.
"""

import subprocess
import sys
from pathlib import Path


def main(wanted: list[str]) -> int:
    """The exit code: 1 when a benchmark failed to run. Goals that are missed are only printed."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [name for name in found if not wanted or name.removeprefix("bench_") in wanted]
    failed = [name for name in chosen if run(name) != 0]
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed or not chosen else 0


def run(name: str) -> int:
    print(f"== {name.removeprefix('bench_')}", flush=True)
    return subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
