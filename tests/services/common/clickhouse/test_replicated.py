"""The replicated tables are statements that an engine takes."""

import subprocess
import sys
from pathlib import Path

from services.common.clickhouse.tables import TABLES
from tests.embedded.recount_process import ROOT

SCRIPT = Path(__file__).with_name("replicated_tables.py")


def test_the_engine_makes_them_under_our_own_paths(tmp_path: Path) -> None:
    words = [sys.executable, str(SCRIPT), str(tmp_path)]
    made = subprocess.run(
        words, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    expected = sorted(f"/recount/1/{table.name}" for table in TABLES)
    assert made.stdout.splitlines() == expected, made.stderr
