"""Root in a folder that nobody else may enter: servers keep their account, and pass."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.embedded import datadir
from tests import servers
from tests.embedded.recount_process import RECOUNT, environment

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root runs servers as another account"
)

SERVING = [sys.executable, str(Path(__file__).with_name("serving_folder.py"))]
DAC_OVERRIDE, DAC_READ_SEARCH, SETPCAP = 1, 2, 8


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder as root's home is: mode 0700, of root, in reach of nobody else."""
    with servers.server_folder() as made:
        (made / "closed").mkdir(mode=0o700)
        yield made / "closed"


def without(*capabilities: int) -> list[str]:
    program = Path(__file__).with_name("without_capabilities.py")
    return [sys.executable, str(program), ",".join(map(str, capabilities))]


@contextmanager
def started(data: Path, before: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """PostgreSQL and NATS on the folder; killed with -9 at the end."""
    with subprocess.Popen(
        [*before, *SERVING, str(data)], env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def status(pid: int) -> tuple[int, int]:
    """User id and effective capabilities of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    uid, bits = re.search(r"Uid:\t(\d+)", text), re.search(r"CapEff:\t(\w+)", text)
    assert uid is not None
    assert bits is not None
    return int(uid[1]), int(bits[1], 16)


def test_servers_have_an_account_of_their_own_and_one_right_and_are_there_again(
    closed: Path,
) -> None:
    for _ in "12":
        with started(closed / "data") as told:
            for pid in told["pids"]:
                uid, capabilities = status(pid)
                assert uid != 0
                assert capabilities == 1 << DAC_READ_SEARCH
            with psycopg.connect(told["postgres"], autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
    assert (closed.stat().st_mode & 0o777, closed.stat().st_uid) == (0o700, 0)


def test_in_an_open_folder_they_have_no_right_at_all(closed: Path) -> None:
    closed.chmod(0o711)
    with started(closed / "data") as told:
        capabilities = {status(pid)[1] for pid in told["pids"]}
    # One to reach our own packages, where these are in a closed folder.
    needed = 0 if os.access(sys.prefix, os.X_OK) and _everybody_may_enter(sys.prefix) else 4
    assert capabilities == {needed}


def _everybody_may_enter(path: str) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (Path(path), *Path(path).parents))


def test_the_right_that_containers_leave_to_root_does_too(closed: Path) -> None:
    with started(closed / "data", without(DAC_READ_SEARCH)) as told:
        assert {status(pid)[1] for pid in told["pids"]} == {1 << DAC_OVERRIDE}


def test_without_any_a_folder_that_was_named_is_refused_in_words(closed: Path) -> None:
    refused = subprocess.run(
        [*without(SETPCAP), *RECOUNT, "serve", "--data-dir", str(closed / "data")],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert f"which can't enter {closed / 'data'}; and this root may not give" in refused.stderr
    assert "such as /var/lib/recount" in refused.stderr
    assert "Traceback" not in refused.stderr


ELSEWHERE = """
import sys
from pathlib import Path
from services.embedded import datadir, postgres
datadir._ELSEWHERE = (Path("/dev/null/none"), Path(sys.argv[1]))
for _ in "12":
    place = datadir.unnamed()
    with datadir.claim(place) as folder:
        postgres.start(folder.path / "postgres", folder.account).stop()
    print(place.readlink(), folder.path, folder.account.capability)
"""


def test_without_any_and_no_folder_named_it_is_elsewhere_and_a_link_leads_to_it(
    closed: Path,
) -> None:
    # Not with the packages of this run, which may be in a closed folder, too.
    elsewhere = closed.parent / "elsewhere"
    told = subprocess.run(
        [*without(SETPCAP), sys.executable, "-c", ELSEWHERE, str(elsewhere)],
        env=environment(),
        cwd=closed,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = told.stdout.splitlines()
    assert first == second
    link, folder, capability = first.split()
    assert link == folder
    assert Path(folder).parent == elsewhere
    assert capability == "None"
    assert datadir.existing(closed / "recount-data") == Path(folder)


def test_a_folder_that_root_made_is_closed_to_others_who_are_told_whose_it_is(
    closed: Path,
) -> None:
    data = closed.parent / "data"
    with datadir.claim(data):
        pass
    told = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, str(data)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == 2 * [
        f"{data} can't be used by 'daemon', because {data} belongs to 'root'. Start recount as "
        "'root', or choose another folder with --data-dir."
    ]


# Root imports, because others may not reach our packages; then it is another user.
AS_ANOTHER = """
import os, sys
from pathlib import Path
from services.embedded import datadir
os.setgid(1); os.setuid(1)
for work in (lambda: datadir.find(Path(sys.argv[1])), datadir.claim(Path(sys.argv[1])).__enter__):
    try:
        work()
    except datadir.CannotStart as refused:
        print(refused)
"""
