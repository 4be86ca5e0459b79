"""The screen of the first start: its lines work as they are pasted."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import servers
from tests.embedded.recount_process import ROOT, recount, serving

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


def asking(path: str) -> str:
    return f'curl -sS "$URL/{path}" -H "Authorization: Bearer $KEY"'


def test_the_printed_lines_work_as_they_are_and_change_nothing(data: Path) -> None:
    with serving(data) as served:
        (funnel,) = (line for line in served.printed.splitlines() if line.startswith("curl "))
        (names,) = (line for line in served.printed.splitlines() if line.startswith("export "))
        counts = [step["count"] for step in pasted(funnel)["result"]]
        listing = 'curl -sS "$URL/insights/" -H "Authorization: Bearer $KEY"'
        assert pasted(f"{names}; {listing}")["count"] == 2
    assert len(counts) == 3
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 100


def test_the_first_screen_says_where_to_look_how_to_stop_and_where_the_tour_is(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        told = " ".join(served.printed.split())
        assert f"Open {served.url}/ (" in told
        assert f"Stop Ctrl-C; everything is kept in {data}" in told
        assert "A first tour" in told
        page = httpx.get(served.url, follow_redirects=True)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
    tours = (ROOT / "README.md").read_text().count("\n## A first tour\n")
    assert tours == 1


def test_the_demo_is_stored_once_even_if_the_first_start_is_cut_short(data: Path) -> None:
    with serving(data) as served:
        (line, *_) = [line for line in served.printed.splitlines() if line.startswith("curl ")]
        once = pasted(line)["result"]
    # As if it had been killed after the import and before it was written down.
    path = data / "first-start.json"
    progress = json.loads(path.read_text())
    assert progress["demo_imported"]
    assert progress["demo_shown"]
    undone = {"demo_imported": False, "demo_shown": False, "greeted": False}
    path.write_text(json.dumps({**progress, **undone}))
    with serving(data) as served:
        (line, *_) = [line for line in served.printed.splitlines() if line.startswith("curl ")]
        (names,) = (line for line in served.printed.splitlines() if line.startswith("export "))
        again = pasted(line)["result"]
        board = pasted(f"{names}; {asking('dashboards/1/?refresh=blocking')}")
        insights = pasted(f"{names}; {asking('insights/')}")
    assert [step["count"] for step in again] == [step["count"] for step in once]
    # Its insights neither: a funnel and a trend, on the one dashboard.
    assert insights["count"] == 2
    funnel, trend = (tile["insight"] for tile in board["tiles"])
    assert [step["count"] for step in funnel["result"]] == [step["count"] for step in once]
    assert [row["label"] for row in trend["result"]][:2] == ["google", "direct"]
    assert all(sum(row["data"]) > 100 for row in trend["result"])


def test_a_folder_of_before_gets_no_insights_of_the_demo(data: Path) -> None:
    with serving(data, "--no-demo"):
        pass
    path = data / "first-start.json"
    progress = json.loads(path.read_text())
    del progress["demo_shown"]
    path.write_text(json.dumps({**progress, "demo": True, "demo_imported": True}))
    with serving(data):
        verified = recount("verify", "--json", "--data-dir", str(data))
        # The organization's own alone.
        assert list(json.loads(verified.stdout)["projects"]) == ["-1"]


def test_without_the_demo_there_is_no_funnel_line(data: Path) -> None:
    with serving(data, "--no-demo") as served:
        assert "/insights/funnel/" not in served.printed
        assert "export KEY=phx_" in served.printed


def test_help_names_every_command() -> None:
    shown = recount("--help")
    assert shown.returncode == 0
    for command in ("serve", "import", "keys", "members", "projects", "rebuild", "verify"):
        assert f" {command} " in shown.stdout
