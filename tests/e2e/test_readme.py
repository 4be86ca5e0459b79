"""The README's first tour, line by line as it stands, and the commands that it names."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.embedded import cli
from tests import servers
from tests.embedded.recount_process import ROOT, serving
from tests.pages import REST, Block, differences, sections, shown_json, spelled

PAGE = (ROOT / "README.md").read_text()
TOUR = next(each for each in sections(PAGE) if "tour" in each.heading)
# The demo counts back from the first start: its numbers differ by the day of the week.
LEEWAY = 0.1
_KEY = re.compile(r"API key\s+(\S+)")
_NOTE = re.compile(r"-i +# (\d+), (.*)")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the reader stands: the data folder is found without being named."""
    with servers.server_folder() as made:
        yield made


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_line_of_the_tour_does_what_the_page_says(folder: Path) -> None:
    with serving(folder / "recount-data") as served:
        found = _KEY.search(served.printed)
        assert found is not None
        here = {"KEY": found[1], "URL": f"{served.url}/api/projects/1"}
        beginning, *blocks = TOUR.blocks
        answered = False
        for block, following in pairwise([*blocks, Block("", "")]):
            if block.form != "sh":
                continue
            printed = shell(folder, beginning.text, here, block.text)
            says(block, following, printed)
            answered = answered or following.form == "json"
            if "/shared/<access_token>" in block.text:
                token = json.loads(printed)["access_token"]
                page = httpx.get(f"{served.url}/shared/{token}")
                assert page.status_code == 200
                assert "Visit to sign-up" in page.text
    assert answered, "the tour shows answers"


def test_the_commands_on_the_page_are_those_that_there_are() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    targets = {line.split()[0] for line in listed.stdout.splitlines()}
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert declared is not None
    assert targets == set(declared[1].split())
    assert set(re.findall(r"`make ([a-z]+)", PAGE)) <= targets
    assert set(re.findall(r"`recount ([a-z]+)", PAGE)) == set(cli.recount.commands)


def shell(folder: Path, beginning: str, here: Mapping[str, str], lines: str) -> str:
    """What the lines print, after the tour's first ones; `here` goes for what those name."""
    ours = [f"export {name}='{value}'" for name, value in here.items()]
    program = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    run = subprocess.run(
        ["bash", "-e", "-c", "\n".join([beginning, *ours, lines])],
        cwd=folder,
        env={"PATH": program, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), run
    return run.stdout


def last_json(printed: str) -> Any:
    """Of answers that follow each other without a separator."""
    answer, end = None, 0
    while end < len(printed):
        answer, end = json.JSONDecoder().raw_decode(printed, end)
    return answer


def says(block: Block, following: Block, printed: str) -> None:
    """What a comment claims of the head of an answer, and the block below of the last one."""
    for status, claimed in _NOTE.findall(block.text):
        head, _, printed = printed.partition("\n\n")
        assert head.startswith(f"HTTP/1.1 {status} ")
        headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
        for header in claimed.split(", "):
            name, _, value = header.partition(": ")
            assert spelled(value, headers[name.lower()])
    if following.form == "json":
        shown = shown_json(following.text)
        assert list(differences(shown, last_json(printed), leeway=LEEWAY)) == []
    elif following.form == "":
        assert spelled(following.text or REST, printed.rstrip("\n"))
