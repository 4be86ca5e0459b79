"""docs/backup.md: its steps, done in their order."""

import re
import shutil
import signal
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests import servers
from tests.embedded.recount_process import ROOT, serving
from tests.pages import Section, sections, spelled

PAGE = {each.heading: each for each in sections((ROOT / "docs/backup.md").read_text())}
BIN = str((ROOT / ".venv/bin").resolve())
# The first two beside the server, the last one after it.
BESIDE = ("A backup", "Back again")


@pytest.mark.timeout(600)
@pytest.mark.skipif(not all(map(shutil.which, ("tar", "zstd"))), reason="its tools are missing")
def test_every_step_prints_what_the_page_says() -> None:
    with servers.server_folder() as folder:
        with serving(folder / "recount-data") as served:
            assert [run(PAGE[heading], folder) for heading in BESIDE] == [1, 1]
            assert served.end(signal.SIGINT) == 0
        assert run(PAGE["A project as one file"], folder) == 2


def run(section: Section, folder: Path) -> int:
    """How many steps there were."""
    (folder / "backups").mkdir(exist_ok=True)
    blocks = section.blocks
    steps = [(step.text, shown.text) for step, shown in pairwise(blocks) if step.form == "sh"]
    for step, shown in steps:
        done = subprocess.run(
            ["bash", "-e", "-c", step],
            cwd=folder,
            env={"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, re.sub(r"tar: .*|zstd: .*", "", done.stderr).strip()) == (0, "")
        assert spelled(shown, done.stdout.rstrip("\n")), done.stdout
    return len(steps)
