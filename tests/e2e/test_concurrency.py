"""A short run of the concurrency check, and one that has to fail; `make fuzz` has the long one."""

import sys

from tests.e2e.concurrency import run

# The server as it is, but blind to If-Match.
CARELESS = [
    sys.executable,
    "-c",
    "import services.command.terms as terms; terms.parse_if_match = lambda header: None;"
    "from services.embedded.cli import main; main()",
]


def test_no_update_is_lost_or_doubled_while_the_server_is_killed() -> None:
    verdict = run(1_500, seed=1, kills=1)
    assert not verdict.violations, verdict.told()
    assert verdict.kills == 1
    assert sum(map(len, verdict.seen.edits.values())) >= 100
    assert verdict.seen.conflicts > 0
    assert verdict.seen.repeats > 0


def test_the_check_fails_when_preconditions_are_not_checked() -> None:
    verdict = run(600, seed=1, kills=0, program=CARELESS)
    assert any("its number is" in violation for violation in verdict.violations), verdict.told()
