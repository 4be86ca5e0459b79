"""Whoever is killed, and when: what was answered is in the trail once.

`make fuzz` replays 20,000 requests.
"""

from pathlib import Path

import pytest

from tests.services.query.reads_trail.replay import replay
from tests.whole import Whole


@pytest.mark.timeout(300)
async def test_a_replayed_trace_is_told_once_whoever_is_killed(
    whole: Whole, postgres_url: str, tmp_path: Path
) -> None:
    verdict = await replay(postgres_url, whole, tmp_path / "spool", 300, seed=7)
    assert verdict.violations == []
    assert verdict.kills >= 3
    assert verdict.answered >= 150
