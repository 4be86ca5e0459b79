"""The auditor as a part: it goes round by itself, and /_readyz says what it found."""

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from services.common.http.app import compose
from services.projector.app import rebuildable
from services.projector.auditor import auditor, part
from tests.services.projector.auditor.test_damage import rows_of, some_of_everything, told
from tests.services.projector.projecting import Projecting
from tests.waiting import seen


async def test_it_rights_rows_and_tells_of_a_log_that_does_not_verify(
    projector: Projecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor, "ROUND_SECONDS", 0.1)
    before = await some_of_everything(projector)
    app = compose([part.part(projector.url, rebuildable(), 100_000)])
    async with AsyncTestClient(app) as client:

        async def ready() -> Any:
            return (await client.get("/_readyz")).json()["parts"]["auditor"]

        await projector.execute("DELETE FROM insights WHERE insight_id = 7")
        assert await seen(lambda: rows_of(projector), lambda rows: rows == before) == before
        assert (await ready())["status"] == "ok"
        assert await told(projector) == [["insights", 1, 7]]
        # Somebody's else, who could not right it.
        await projector.execute("INSERT INTO audit_findings VALUES ('insights', '[]', 1)")
        assert await ready() == {
            "status": "degraded",
            "reason": "1 rows are not as the log tells them",
        }
        await projector.execute("UPDATE log SET state = state || ' ' WHERE team_seq = 3")
        failing = await seen(ready, lambda one: bool(one["status"] == "failing"))
        assert "position 3: commitment does not follow" in failing["reason"]
        assert (await client.get("/_readyz")).status_code == 503
        pace = await projector.rows("SELECT facts_per_second FROM audit_state")
        assert pace == [{"facts_per_second": 100_000}]


async def test_switched_off_it_finds_nothing_and_says_that_it_is_off(
    projector: Projecting,
) -> None:
    await some_of_everything(projector)
    await projector.execute("DELETE FROM insights WHERE insight_id = 7")
    damaged = await rows_of(projector)
    async with AsyncTestClient(compose([part.part(projector.url, rebuildable(), 0)])) as client:
        assert (await client.get("/_readyz")).json()["parts"]["auditor"]["status"] == "ok"
        assert await rows_of(projector) == damaged
    pace = await projector.rows("SELECT facts_per_second FROM audit_state")
    assert pace == [{"facts_per_second": 0}]


async def test_one_audits_and_the_others_wait(projector: Projecting) -> None:
    await some_of_everything(projector)
    ours = auditor.Auditor(projector.url, rebuildable(), per_second=0)
    theirs = auditor.Auditor(projector.url, rebuildable(), per_second=0)
    async with ours._turn() as rounds:
        assert rounds is not None
        async with theirs._turn() as waiting:
            assert waiting is None


async def test_tables_of_another_version_are_left_alone(projector: Projecting) -> None:
    await some_of_everything(projector)
    ours = auditor.Auditor(projector.url, rebuildable(), per_second=0)
    async with ours._turn() as rounds:
        assert rounds is not None
        assert await rounds.step()
        await projector.execute("INSERT INTO schema_migrations VALUES (999, 'newer')")
        await projector.execute("DROP TABLE activity_subjects")
        assert not await rounds.step()
    async with ours._turn() as rounds:
        assert rounds is None
