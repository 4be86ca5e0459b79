"""Advisory locks of different kinds have different numbers: they are one space in the database."""

import re
from pathlib import Path

SERVICES = Path(__file__).parents[1] / "services"
_NUMBER = re.compile(r"= (7_210_[\d_]+)$", re.M)


def test_no_two_kinds_of_lock_share_a_number() -> None:
    found = [
        number
        for path in sorted(SERVICES.rglob("*.py"))
        for number in _NUMBER.findall(path.read_text())
    ]
    assert len(found) >= 5
    assert sorted(set(found)) == sorted(found)
