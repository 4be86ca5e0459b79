"""The rows from before a rebuild, kept beside the new ones and put back."""

import pytest

from contracts.events.audit import erased_entry
from contracts.events.insight import InsightRenamed
from services.projector.read_models.insights import insight_projection
from services.projector.rebuild import NothingKept, put_back, rebuild
from tests.services.projector.projecting import Projecting
from tests.services.projector.test_rebuild import rows_of, some_history


async def test_the_rows_before_are_back_with_what_came_since(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    await projector.execute("UPDATE insights SET name_key = 'other'")
    before = await rows_of(projector)
    kept = await rebuild(projector.url, projector.store, insight_projection(), keep=True)
    assert kept.removed == kept.written == len(before["insights"]) == 2
    assert await rows_of(projector) != before
    runner = projector.runner(insight_projection())
    await runner.catch_up()
    await projector.append(InsightRenamed("Later", None))
    await runner.catch_up()
    back = await put_back(projector.url, projector.store, insight_projection())
    assert back.position == await projector.store.head()
    names = await projector.rows("SELECT insight_id, name_key FROM insights ORDER BY 1")
    # Only what a fact has touched since is as the fold makes it.
    assert [row["name_key"] for row in names] == ["later", "other"]
    # The projector that ran meanwhile goes on from there.
    await projector.append(InsightRenamed("Last", "Later"))
    assert await runner.catch_up() == await projector.store.head()
    row = await projector.insight()
    assert row is not None
    assert row.name == "Last"
    with pytest.raises(NothingKept):
        await put_back(projector.url, projector.store, insight_projection())


async def test_rows_of_another_version_are_not_put_back(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    await rebuild(projector.url, projector.store, insight_projection(), keep=True)
    await projector.execute("ALTER TABLE insights ADD COLUMN newer bigint")
    before = await rows_of(projector)
    with pytest.raises(NothingKept, match="another version"):
        await put_back(projector.url, projector.store, insight_projection())
    assert await rows_of(projector) == before


async def test_an_erasure_takes_kept_rows_with_it(projector: Projecting) -> None:
    await some_history(projector)
    await projector.catch_up()
    await rebuild(projector.url, projector.store, insight_projection(), keep=True)
    await projector.append(erased_entry(1, 1, "insight.created.v1", bytes(32), ("name",)))
    await projector.catch_up()
    with pytest.raises(NothingKept):
        await put_back(projector.url, projector.store, insight_projection())
