"""The printed verifier, alone: in an environment that has `cryptography` and nothing else."""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.services.common.verifying.archives import OTHER_VKEY, VKEY, archive, history, note

# `cryptography`, and what it imports.
_ALLOWED = ("cryptography", "cffi", "_cffi_backend")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Python of such an environment as `bin/python`, and the verifier, `v.py`."""
    made = tmp_path_factory.mktemp("bare")
    venv.create(made, with_pip=False, symlinks=True)
    (packages,) = made.glob("lib/python*/site-packages")
    for name in _ALLOWED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        (packages / source.name).symlink_to(source)
    printed = [sys.executable, "-m", "services.embedded", "verify", "--print-verifier"]
    text = subprocess.run(printed, check=True, capture_output=True).stdout
    (made / "v.py").write_bytes(text)
    return made


def run(bare: Path, *arguments: str) -> tuple[int, str]:
    command = [str(bare / "bin/python"), "-I", "v.py", *arguments]
    done = subprocess.run(command, cwd=bare, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_verifier_works_by_itself(bare: Path) -> None:
    lines = archive(history())
    (bare / "facts.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (bare / "kept").write_text(note(history()[:5]))
    code, said = run(bare, "facts.ndjson", "--key", VKEY, "--against", "kept")
    assert (code, said.splitlines()[0].partition(",")[0]) == (0, "12 entries hold"), said
    assert run(bare, "facts.ndjson", "--key", OTHER_VKEY)[0] == 3
    assert run(bare, "none")[0] == 2
    (bare / "short.ndjson").write_bytes(b"\n".join(lines[:4]) + b"\n")
    code, said = run(bare, "short.ndjson")
    assert (code, said.startswith("does not hold: missing: sequence 4")) == (1, True), said
    nothing = [str(bare / "bin/python"), "-I", "-c", "import msgspec"]
    assert subprocess.run(nothing, capture_output=True, check=False).returncode == 1
