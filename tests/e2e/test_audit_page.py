"""docs/audit.md: what it tells a reader to do in ten minutes, done."""

import re
import shutil
import subprocess
from itertools import pairwise

import pytest

from tests import servers
from tests.embedded.recount_process import ROOT, serving
from tests.pages import Block, sections, spelled

PAGE = (ROOT / "docs/audit.md").read_text()
CHECK = next(each for each in sections(PAGE) if each.heading == "Check it in ten minutes")
BIN = str((ROOT / ".venv/bin").resolve())


@pytest.mark.timeout(240)
@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "openssl", "base64"))), reason="its tools are not installed"
)
def test_every_step_prints_what_the_page_says() -> None:
    steps = [pair for pair in pairwise([*CHECK.blocks, Block("", "")]) if pair[0].form]
    assert [step.form for step, _ in steps] == ["sh", "sh", "sh", "python"]
    with servers.server_folder() as folder, serving(folder / "recount-data") as served:
        (line,) = re.findall(r"^export KEY=\S+ URL=\S+$", served.printed, re.M)
        for step, shown in steps:
            script = f"{line}\n{step.text}"
            if step.form == "python":
                (folder / "step.py").write_text(step.text)
                script = "python step.py"
            run = subprocess.run(
                ["bash", "-e", "-c", script],
                cwd=folder,
                env={"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert (run.returncode, run.stderr) == (0, ""), run
            assert spelled(shown.text, run.stdout.rstrip("\n")), run.stdout
