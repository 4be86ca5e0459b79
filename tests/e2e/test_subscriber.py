"""docs/follow.py, as a person calls it, and what it takes for the next fact."""

import importlib.util
import signal
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest

from contracts.chain import BEGINNING, Entry, Link
from contracts.cloud_events import encode_cloud_event, event_source
from contracts.cursors import link_text
from tests.contracts.test_chain import entry
from tests.embedded.recount_process import ROOT

FOLLOW = ROOT / "docs" / "follow.py"
SOURCE = event_source(UUID("6b1c0000-0000-4000-8000-000000000001"), 1)


@pytest.fixture(scope="module")
def program() -> Any:
    found = importlib.util.spec_from_file_location("follow", FOLLOW)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def chain(count: int) -> list[Entry]:
    entries: list[Entry] = []
    after = BEGINNING
    for position in range(1, count + 1):
        entries.append(entry(after, position))
        after = Link(position, entries[-1].hash)
    return entries


def test_each_is_taken_once_and_a_cursor_of_either_form_goes_on(
    program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = chain(4)
    events = [encode_cloud_event(each, SOURCE) for each in entries]
    first = program.Subscriber("0")
    for event in (events[0], events[1], events[0], events[1]):
        first.take(event)
    for cursor in (first.cursor, "2"):
        again = program.Subscriber(cursor)
        for event in events:
            again.take(event)
        assert again.cursor == link_text(Link(4, entries[3].hash))
    printed = [line.partition("-")[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["1", "2", "3", "4", "3", "4"]


def test_what_is_missing_altered_or_of_another_history_stops_it(program: Any) -> None:
    entries = chain(3)
    events = [encode_cloud_event(each, SOURCE) for each in entries]
    with pytest.raises(SystemExit, match=r"Missed 1 to 2\."):
        program.Subscriber("0").take(events[2])
    for altered in (
        events[1].replace(b"Signups", b"Sign-up"),
        events[1].replace(b'\\"user_id\\":7', b'\\"user_id\\":8'),
        events[1].replace(b"00:00:00.000002Z", b"00:00:00.000003Z"),
    ):
        assert altered != events[1]
        with pytest.raises(SystemExit, match="Fact 2 is not what was recorded"):
            program.Subscriber("1").take(altered)
    with pytest.raises(SystemExit, match="Fact 2 is not what was recorded"):
        program.Subscriber("1-0123456789abcdef").take(events[1])


@pytest.mark.parametrize(
    "arguments",
    [[], ["pull"], ["letter", "http://a"], ["pull", "http://a", "two"], ["bus", "a", "1", "2"]],
)
def test_called_otherwise_it_says_how(arguments: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, str(FOLLOW), *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "python docs/follow.py pull URL [CURSOR] " in run.stderr


@pytest.mark.parametrize("way", ["pull", "stream"])
def test_where_nobody_answers_it_says_so_and_goes_on_trying(way: str) -> None:
    words = [sys.executable, str(FOLLOW), way, "http://127.0.0.1:1", "7"]
    with subprocess.Popen(
        words, env={"KEY": "phx_none"}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith("; trying again …\n")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "Stopped. To go on: 7"
