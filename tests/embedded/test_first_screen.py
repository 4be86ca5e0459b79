"""The screen of the first start: its lines work as they are pasted."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.embedded.recount_process import recount, serving

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


def pasted(line: str) -> Any:
    """What the line prints in a shell."""
    run = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(run.stdout)


def test_the_printed_lines_show_a_funnel_and_an_insights_history(data: Path) -> None:
    with serving(data) as served:
        lines = [line for line in served.printed.splitlines() if line.startswith("curl ")]
        funnel, created, patched, activity = (pasted(line) for line in lines)
    counts = [step["count"] for step in funnel["result"]]
    assert len(counts) == 4
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 100
    assert created["id"] == patched["id"] == 1
    assert [entry["activity"] for entry in activity["results"]] == ["updated", "created"]
    (change,) = activity["results"][0]["detail"]["changes"]
    assert (change["before"], change["after"]) == (created["name"], patched["name"])


def test_the_demo_is_stored_once_even_if_the_first_start_is_cut_short(data: Path) -> None:
    with serving(data) as served:
        (line, *_) = [line for line in served.printed.splitlines() if line.startswith("curl ")]
        once = pasted(line)["result"]
    # As if it had been killed after the import and before it was written down.
    path = data / "first-start.json"
    progress = json.loads(path.read_text())
    assert progress["demo_imported"]
    path.write_text(json.dumps({**progress, "demo_imported": False, "greeted": False}))
    with serving(data) as served:
        (line, *_) = [line for line in served.printed.splitlines() if line.startswith("curl ")]
        again = pasted(line)["result"]
    assert [step["count"] for step in again] == [step["count"] for step in once]


def test_without_the_demo_there_is_no_funnel_line(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        assert "/insights/funnel/" not in served.printed
        assert "/activity/" in served.printed


def test_help_names_every_command() -> None:
    shown = recount("--help")
    assert shown.returncode == 0
    for command in ("serve", "import", "keys", "projects", "rebuild", "verify"):
        assert f" {command} " in shown.stdout
