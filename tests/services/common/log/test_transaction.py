"""The end of the log's one transaction."""

from datetime import UTC, datetime

import psycopg
import pytest

from services.common.log.judging import Judgement
from services.common.log.transaction import NotCommitted, commit


async def test_a_commit_that_postgresql_answers_by_a_rollback_is_none(postgres_url: str) -> None:
    nothing = Judgement(outcomes=[], entries=[], receipts=[], moved={}, at=datetime.now(UTC))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("BEGIN")
        with pytest.raises(psycopg.errors.DivisionByZero):
            await conn.execute("SELECT 1 / 0")
        with pytest.raises(NotCommitted, match="ROLLBACK"):
            await commit(conn, nothing)
