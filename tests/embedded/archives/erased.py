"""An entry erased the way the product does it."""

from uuid import uuid4

import psycopg

from domain.erasure.redaction import redacted
from services.common.log.erasing import ErasedEntry, Erasure, erase
from services.common.log.searching import entries_with_text
from tests.examples import ALICE, TEAM
from tests.services.projector.projecting import Projecting


async def erase_text(projector: Projecting, text: str) -> None:
    """Every entry of the project that has the text, under erasure 1."""
    with psycopg.connect(projector.url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO erasures (id, team_id, kind, actor, operation_id, correlation_id, asked,"
            " state) VALUES (1, 1, 'text', '{}', gen_random_uuid(), gen_random_uuid(), true,"
            " 'logical')"
        )
    found = await entries_with_text(projector.pool, TEAM, text)
    operation = uuid4()
    erasure = Erasure(
        team_id=TEAM,
        number=1,
        actor=ALICE,
        operation_id=operation,
        correlation_id=operation,
        causation_id=None,
    )
    await erase(projector.url, erasure, [ErasedEntry(one, redacted(one.event)) for one in found])
