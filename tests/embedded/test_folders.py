"""Where the servers keep their things: sockets with long paths, folders out of reach, versions."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.embedded import datadir, postgres
from services.embedded.account import account_of, own_folder, reachable_program
from services.embedded.refusal import CannotStart
from tests import servers

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(folder: Path) -> None:
    with datadir.claim(folder / ("long" * 30)) as data:
        running = postgres.start(data.path / "postgres", data.account)
        try:
            with psycopg.connect(running.url) as connection:
                shown = connection.execute("SHOW unix_socket_directories").fetchone()
        finally:
            running.stop()
    assert shown is not None
    sockets = Path(shown[0])
    assert data.path not in sockets.parents
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert sockets.stat().st_uid == data.account.uid
    sockets.rmdir()


def test_nobody_but_the_starting_user_may_enter_the_servers_folders(folder: Path) -> None:
    with datadir.claim(folder / "data") as data:
        running = postgres.start(data.path / "postgres", data.account)
        running.stop()
        (data.path / "chdb").mkdir()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.path.iterdir()}
    assert {modes["postgres"], modes["chdb"]} == {0o700}
    assert {modes["postgres.log"], modes["lock"]} == {0o600}
    assert stat.S_IMODE((folder / "data").stat().st_mode) in (0o700, 0o711)


def test_a_cluster_of_another_version_is_refused_and_left_alone(folder: Path) -> None:
    with datadir.claim(folder / "data") as data:
        cluster = data.path / "postgres" / "cluster"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("17\n")
        with pytest.raises(CannotStart, match="made by PostgreSQL 17"):
            postgres.start(data.path / "postgres", data.account)
        assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_file_in_the_place_of_the_data_folder_is_refused(folder: Path) -> None:
    (folder / "data").write_text("mine")
    with pytest.raises(CannotStart, match="not a folder"), datadir.claim(folder / "data"):
        pass


@as_root
def test_a_folder_of_another_user_is_served_as_that_user(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    os.chown(data, 1, 1)
    with datadir.claim(data) as claimed:
        assert claimed.account.uid == 1


@as_root
def test_root_gives_no_folder_away_that_a_link_names(folder: Path) -> None:
    data, elsewhere = folder / "data", folder / "elsewhere"
    data.mkdir()
    elsewhere.mkdir()
    (data / "lock").touch()
    (data / "postgres").symlink_to(elsewhere)
    os.chown(data, 1, 1)
    with (
        pytest.raises(CannotStart, match="is a link"),
        datadir.claim(data) as claimed,
    ):
        own_folder(claimed.account, claimed.path / "postgres")
    assert elsewhere.stat().st_uid == 0


@as_root
def test_a_program_out_of_the_accounts_reach_is_copied_with_what_it_needs(folder: Path) -> None:
    closed = folder / "closed"
    (closed / "tree" / "bin").mkdir(parents=True)
    (closed / "tree.libs").mkdir()
    program = closed / "tree" / "bin" / "program"
    program.write_text('#!/bin/sh\ncat "$(dirname "$0")/../../tree.libs/told"\n')
    program.chmod(0o700)
    (closed / "tree.libs" / "told").write_text("hello")
    (closed / "tree.libs" / "told").chmod(0o600)
    closed.chmod(0o700)
    (folder / "programs").mkdir()
    copies = folder / "programs" / "tree-1"
    parts = [closed / "tree", closed / "tree.libs"]
    nobody = account_of(folder)
    reached = reachable_program(nobody, program, parts, copies)
    assert reached == copies / "tree" / "bin" / "program"
    told = subprocess.run(
        [reached], user=nobody.uid, group=nobody.gid, capture_output=True, text=True, check=True
    )
    assert told.stdout == "hello"


@as_root
def test_a_program_in_reach_is_run_where_it_is(folder: Path) -> None:
    program = Path("/bin/cat")
    assert reachable_program(account_of(folder), program, [program], folder / "p" / "1") == program
    assert not (folder / "p").exists()
