"""The script that an operator runs on real servers reads through without one."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("cluster.sh")
ALL = {"STOP": "stop", "START": "start", "STOP_KEEPER": "stop", "START_KEEPER": "start"}


def dry(**settings: str) -> list[str]:
    done = subprocess.run(
        [str(SCRIPT), "--dry"],
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_step_is_told_and_nobody_is_asked() -> None:
    lines = dry(**ALL)
    assert lines[-1] == "nobody was asked"
    assert not [line for line in lines if line.startswith(("pass", "FAIL", "skipped"))]
    # Of two replicas both have a block, of three the majority: then writes go on without one.
    assert any("285" in line for line in lines)
    three = dry(NODES="http://a http://b http://c", **ALL)
    assert not any("285" in line for line in three)


def test_without_commands_that_stop_servers_those_steps_are_skipped_by_name() -> None:
    skipped = [line for line in dry() if line.startswith("skipped")]
    assert len(skipped) == 2
