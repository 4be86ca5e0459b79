"""Folders that are none: what looks never makes one, what makes one says so."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.embedded import datadir
from services.embedded.refusal import CannotStart
from tests import servers
from tests.embedded.recount_process import RECOUNT, environment, free_port, recount, serving


def absent(path: Path) -> None:
    """Nothing is there."""


def empty(path: Path) -> None:
    path.mkdir()


def of_others(path: Path) -> None:
    path.mkdir()
    (path / "README.md").write_text("mine")
    (path / "postgres").mkdir()


def of_postgresql(path: Path) -> None:
    path.mkdir()
    (path / "PG_VERSION").write_text("16\n")


def a_file(path: Path) -> None:
    path.write_text("mine")


NONE: list[tuple[Callable[[Path], None], str]] = [
    (absent, "does not exist"),
    (empty, "is empty"),
    (of_others, "holds other files ('README.md', 'postgres'), and is not a data folder"),
    (of_postgresql, "is a folder of PostgreSQL's own"),
    (a_file, "is not a folder"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


@pytest.mark.parametrize(("make", "words"), NONE)
@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("rebuild",),
        ("keys", "create"),
        ("projects", "create", "Shop"),
        ("import", __file__, "--project", "1"),
    ],
    ids=lambda command: command[0],
)
def test_commands_that_work_beside_a_server_refuse_it_and_make_nothing(
    folder: Path, command: tuple[str, ...], make: Callable[[Path], None], words: str
) -> None:
    make(folder / "nope")
    before = sorted(folder.rglob("*"))
    refused = recount(*command, "--data-dir", str(folder / "nope"))
    assert refused.returncode == 1
    assert "no data folder here" in refused.stderr
    assert words in refused.stderr
    assert str(folder / "nope") in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(("make", "words"), NONE[2:])
def test_serve_takes_no_folder_that_holds_something_else(
    folder: Path, make: Callable[[Path], None], words: str
) -> None:
    make(folder / "nope")
    before = sorted(folder.rglob("*"))
    refused = recount("serve", "--port", str(free_port()), "--data-dir", str(folder / "nope"))
    assert refused.returncode == 1
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sorted(folder.rglob("*")) == before


def test_serve_says_that_it_makes_one_the_first_time_only(folder: Path) -> None:
    told = []
    for _ in "12":
        process = subprocess.Popen(
            [*RECOUNT, "serve", "--no-demo", "--port", str(free_port())],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            ready = any(line.startswith("Recount is ready") for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            assert process.stderr is not None
            told.append(process.stderr.read())
        assert ready, told
    assert f"Making a new data folder: {folder / 'recount-data'}" in told[0]
    assert "Making" not in told[1]


def test_an_empty_folder_that_a_volume_is_mounted_on_is_taken(folder: Path) -> None:
    (folder / "data" / "lost+found").mkdir(parents=True)
    with serving(folder / "data", "--no-demo"):
        assert recount("verify", "--data-dir", str(folder / "data")).returncode == 0


def test_python_runs_the_command_too() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "services.embedded", "--version"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("recount, version ")


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever is not root is in every other test")
def test_whoever_is_not_root_makes_a_folder_and_serves_it_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of root nothing is asked that is asked of others: whose the things in the folder are."""
    data, somebody = folder / "data", 4711
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    data.mkdir()
    os.chown(data, somebody, -1)
    datadir._make(data)
    (data / "chdb").mkdir()
    (data / "lock").touch()
    for each in data.iterdir():
        os.chown(each, somebody, -1)
    datadir._make(data)
    os.chown(data / "chdb", 0, -1)
    with pytest.raises(CannotStart):
        datadir._make(data)
