"""The README's first tour, line by line as it stands, and the commands that it names."""

import json
import re
import shutil
import signal
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
from tests.pages import REST, Block, Section, differences, sections, shown_json, spelled

PAGE = (ROOT / "README.md").read_text()
TOUR = next(each for each in sections(PAGE) if "tour" in each.heading)
# It goes on in the tour's terminal.
AUDIT = next(each for each in sections(PAGE) if each.heading == "Audit")
# The demo counts back from the first start: its numbers differ by the day of the week.
LEEWAY = 0.1
_NOTE = re.compile(r"-i +# (\d+), (.*)")
_OF_ITS_RUN = re.compile(
    r'\d{4}-\d\d-\d\dT[\d:.]+Z|(?<="short_id": ")\w+|(?<=^\d-)[0-9a-f]{16}', re.MULTILINE
)
_FOLLOWS = "docs/follow.py"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the reader stands: in a copy of the repository, after `make run`."""
    with servers.server_folder() as made:
        (made / ".venv").symlink_to(Path(sys.executable).parents[1])
        (made / "docs").symlink_to(ROOT / "docs")
        yield made


@pytest.mark.timeout(240)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_line_of_the_tour_does_what_the_page_says(folder: Path) -> None:
    *second, (third, shown_there) = steps_of(TOUR)
    second += steps_of(AUDIT)
    with serving(folder / "recount-data") as served:
        (line,) = re.findall(r"^export KEY=\S+ URL=\S+$", served.printed, re.M)
        printed = terminal(folder, [line, *(step.text for step, _ in second)])[1:]
        for (step, shown), told in zip(second, printed, strict=True):
            says(step, shown, told)
        assert sum(shown.form == "json" for _, shown in second) >= 3
        (url,) = re.findall(r"^http://\S+/shared/\S+$", "".join(printed), re.M)
        page = httpx.get(url)
        assert page.status_code == 200
        assert "<h1>Visit to sign-up</h1>" in page.text
        assert page.text.count('class="step"') == 3
        assert _FOLLOWS in third.text
        # Each run has its own times, hashes and short ids.
        lines = _OF_ITS_RUN.sub(REST, shown_there.text).splitlines()[:-1]
        assert len(lines) == 2
        assert spelled("\n".join(lines), followed(folder, f"{line}\n{third.text}", len(lines)))


def steps_of(section: Section) -> list[tuple[Block, Block]]:
    """What is typed, and what the page shows below it."""
    blocks = [*section.blocks, Block("", "")]
    return [pair for pair in pairwise(blocks) if pair[0].form == "sh"]


def test_the_tour_tells_each_step_its_terminal_and_leaves_curl_alone() -> None:
    for number in ("first", "second", "third"):
        assert f"{number} terminal" in TOUR.words or f"a {number} one" in TOUR.words
    assert "curl()" not in PAGE
    assert "insights/1/" not in TOUR.words


def test_what_the_page_points_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 3
    places = set(re.findall(r"`((?:contracts|domain|services|tests|docs)/[\w/.]+)`", PAGE))
    assert len(places) > 15
    here = {*(each for each in links if not each.startswith("https://")), *places}
    assert [each for each in here if not (ROOT / each).exists()] == []


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
    assert set(re.findall(r"`recount ([a-z][a-z-]*)", PAGE)) == set(cli.recount.commands)


def environment() -> Mapping[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }


def terminal(folder: Path, steps: list[str]) -> list[str]:
    """What each step prints in one shell, one after the other."""
    outs = [folder / f"{number}.out" for number in range(len(steps))]
    script = [f"{{\n{step}\n}} > {out}" for step, out in zip(steps, outs, strict=True)]
    run = subprocess.run(
        ["bash", "-e", "-c", "\n".join(script)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), run
    return [out.read_text() for out in outs]


def followed(folder: Path, lines: str, count: int) -> str:
    """The first lines that the subscriber prints; Ctrl-C ends it well."""
    with subprocess.Popen(
        ["bash", "-e", "-c", lines.replace(".venv/bin/python", "exec .venv/bin/python")],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        printed = "".join(process.stdout.readline() for _ in range(count))
        process.send_signal(signal.SIGINT)
        # More may have come until the signal did.
        last = (printed + process.stdout.read()).splitlines()[-1]
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said == f"Stopped. To go on: {last.partition(' ')[0]}\n"
    return printed.rstrip("\n")


def last_json(printed: str) -> Any:
    """Each answer is a line of its own."""
    return json.loads(printed.splitlines()[-1])


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
