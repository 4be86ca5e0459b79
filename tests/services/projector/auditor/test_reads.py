"""The trail of reads against its seals: what was altered, taken out or put in is told."""

from datetime import timedelta
from typing import LiteralString

import pytest

from services.command.audit.sealing import Sealing
from tests.services.command.audit.trail import NOW, answered
from tests.services.projector.auditor.test_damage import auditor
from tests.services.projector.projecting import Projecting

TEAM, OTHER = 7, 8


async def sealed(projector: Projecting) -> None:
    """Reads 1 to 5 of a project under two seals, and one of another."""
    await answered(projector.pool, TEAM, 3)
    await answered(projector.pool, OTHER, 1)
    await Sealing(projector.store, projector.pool).seal_all()
    await answered(projector.pool, TEAM, 2, at=NOW + timedelta(minutes=1))
    await Sealing(projector.store, projector.pool).seal_all()


async def proved(projector: Projecting) -> dict[int, tuple[int, int | None]]:
    await auditor(projector).round()
    rows = await projector.rows("SELECT team_id, reads_through, reads_broken FROM audit_projects")
    return {row["team_id"]: (row["reads_through"], row["reads_broken"]) for row in rows}


async def test_reads_as_they_were_sealed_are_proved(projector: Projecting) -> None:
    await sealed(projector)
    assert await proved(projector) == {TEAM: (5, None), OTHER: (1, None)}
    # A reader who was erased leaves the commitment.
    await projector.execute(
        "UPDATE reads SET actor = 'erased', user_id = NULL, key_id = NULL, ip = NULL, salt = ''"
        " WHERE team_id = 7 AND number = 2"
    )
    # What is too old is gone, as the log says.
    await projector.execute("DELETE FROM reads WHERE team_id = 7 AND number <= 4")
    await projector.execute("DELETE FROM read_seals WHERE team_id = 7 AND last <= 3")
    await projector.execute("INSERT INTO read_expiries VALUES (7, 4, 4, 9)")
    assert await proved(projector) == {TEAM: (5, None), OTHER: (1, None)}


@pytest.mark.parametrize(
    ("damage", "number", "through"),
    [
        ("UPDATE reads SET status = 500 WHERE team_id = 7 AND number = 4", 4, 3),
        ("DELETE FROM reads WHERE team_id = 7 AND number = 5", 4, 3),
        ("UPDATE reads SET commitment = sha256('') WHERE team_id = 7 AND number = 1", 1, 0),
        ("UPDATE reads SET number = number + 2 WHERE team_id = 7 AND number > 3", 4, 3),
        ("UPDATE read_seals SET root = sha256('') WHERE team_id = 7 AND first = 1", 1, 0),
        (
            "DELETE FROM reads WHERE team_id = 7 AND number <= 3;"
            " DELETE FROM read_seals WHERE team_id = 7 AND first = 1",
            4,
            0,
        ),
    ],
)
async def test_whatever_was_done_to_them_is_told(
    projector: Projecting, damage: LiteralString, number: int, through: int
) -> None:
    await sealed(projector)
    await projector.execute(damage)
    for _ in range(2):
        assert await proved(projector) == {TEAM: (through, number), OTHER: (1, None)}
