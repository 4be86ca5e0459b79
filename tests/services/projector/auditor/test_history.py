"""A log that does not verify: it is told of, and nothing is righted by it."""

from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from services.common.log.stream_facts import KnownStream
from services.projector.app import projections
from services.projector.auditor.shadow import Shadow
from services.projector.auditor.streams import StreamProofs
from services.projector.batch import no_crash
from services.projector.read_models.insights import insight_projection
from tests.examples import TEAM
from tests.services.projector.auditor.test_damage import auditor, rows_of, some_of_everything, told
from tests.services.projector.projecting import Projecting, insight

ALTERED: LiteralString = "UPDATE log SET state = state || ' ' WHERE notification_id = 3"


async def broken(projector: Projecting) -> str | None:
    (row,) = await projector.rows("SELECT broken FROM audit_state")
    found: str | None = row["broken"]
    return found


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (ALTERED, "project 1, position 3: commitment does not follow"),
        ("DELETE FROM log WHERE notification_id = 3", "project 1, position 3: position does not"),
        ("DELETE FROM log WHERE notification_id = (SELECT max(notification_id) FROM log)", "head"),
        ("UPDATE log_heads SET seq = seq + 1", "head"),
    ],
)
async def test_nothing_is_righted_while_a_fact_does_not_verify(
    projector: Projecting, damage: LiteralString, reason: str
) -> None:
    await some_of_everything(projector)
    await projector.execute("CREATE TABLE kept AS SELECT * FROM log")
    await projector.execute("CREATE TABLE kept_heads AS SELECT * FROM log_heads")
    sound = await rows_of(projector)
    await projector.execute("DELETE FROM insights WHERE insight_id = 7")
    damaged = await rows_of(projector)
    await projector.execute(damage)
    audits = auditor(projector)
    for _ in range(2):
        await audits.round()
        assert reason in str(await broken(projector))
        assert await rows_of(projector) == damaged
        assert await told(projector) == []
    await projector.execute("TRUNCATE log, log_heads")
    await projector.execute("INSERT INTO log SELECT * FROM kept")
    await projector.execute("INSERT INTO log_heads SELECT * FROM kept_heads")
    await audits.round()
    assert await broken(projector) is None
    assert await rows_of(projector) == sound
    assert await told(projector) == [["insights", 1, 7]]


@pytest.mark.parametrize(
    ("damage", "position"),
    [
        (ALTERED, 3),
        ("DELETE FROM log WHERE notification_id = (SELECT max(notification_id) FROM log)", None),
    ],
)
async def test_a_row_is_righted_by_facts_that_verify_just_then(
    projector: Projecting, damage: LiteralString, position: int | None
) -> None:
    """Whatever was altered since the chain was proved there."""
    await some_of_everything(projector)
    await projector.execute("DELETE FROM insights WHERE insight_id = 7")
    await projector.execute(damage)
    damaged = await rows_of(projector)
    stream = KnownStream(insight().id, TEAM, "insight/7", 5)
    async with await AsyncConnection.connect(projector.url, autocommit=True) as conn:
        shadow = await Shadow.open(conn, projections())
        proofs = StreamProofs(shadow, no_crash)
        found = await proofs.heal(insight_projection(), [stream], [])
    assert found is not None
    assert (found.team_id, found.position) == (TEAM, position)
    assert await rows_of(projector) == damaged
    assert await told(projector) == []
