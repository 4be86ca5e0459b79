"""An erasure is no divergence and no broken chain, whenever the auditor comes by."""

from psycopg import AsyncConnection

from services.projector.app import projections
from services.projector.auditor.auditor import Pace, Rounds
from services.projector.auditor.shadow import Shadow
from services.projector.batch import no_crash
from tests.services.projector.auditor.test_damage import counts, told
from tests.services.projector.auditor.test_history import broken
from tests.services.projector.projecting import Projecting
from tests.services.projector.test_refolding import a_secret_everywhere, erase_all, rows_of


async def test_before_between_and_after(projector: Projecting) -> None:
    await a_secret_everywhere(projector)
    await projector.catch_up()
    async with await AsyncConnection.connect(
        projector.url, autocommit=True, options="-c timezone=UTC"
    ) as conn:
        rounds = Rounds(
            projector.url, await Shadow.open(conn, projections()), (), Pace(0), no_crash
        )
        await rounds.whole()
        before = await rows_of(projector)
        gone = await erase_all(projector)
        # The rows still show it; the walk that follows the log met the entries as they were.
        await rounds.whole()
        assert await broken(projector) is None
        await rounds.step()
        assert await rows_of(projector) == before
        assert await counts(projector) == (0, 0)
        await projector.catch_up()
        await rounds.whole()
    assert await rows_of(projector) != before
    assert await broken(projector) is None
    assert await told(projector) == []
    assert await counts(projector) == (0, 0)
    (project,) = await projector.rows("SELECT erased, proved_through FROM audit_projects")
    assert project["erased"] == gone
    assert project["proved_through"] == await projector.store.head()
