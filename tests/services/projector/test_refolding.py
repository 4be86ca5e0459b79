"""Rows after an erasure: without what went, and the same as if they were folded from the start."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import Raw

from contracts.events.access import AccessGranted
from contracts.events.action import ActionCreated, ActionStepsChanged
from contracts.events.cohort import CohortCreated, CohortPeopleAdded
from contracts.events.dashboard import DashboardCreated, DashboardTagged
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDescribed,
    InsightQueryChanged,
    InsightRenamed,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharePasswordAdded, SharingEnabled, SharingPasswordRequired
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from domain.erasure.redaction import redacted, without_people
from services.common.log.erasing import ErasedEntry, Erasure, erase
from services.common.log.searching import entries_with_people, entries_with_text
from services.projector import batch
from services.projector.app import projections
from services.projector.rebuild import rebuild
from tests.examples import ALICE, INSIGHT, TEAM, created
from tests.services.projector.projecting import (
    Killed,
    Projecting,
    dashboard,
    killed_at,
    sharing,
    viewing,
)

SECRET = "Ada Lovelace"
GRANTEE = None
ADA, BOB = UUID(int=1), UUID(int=2)


def stream(kind: StreamKind, number: int) -> Stream[DomainEvent]:
    return Stream(kind, TEAM, number)


async def a_secret_everywhere(projector: Projecting) -> None:
    document = Raw(b'{"name":"Ada \\u004covelace"}')
    await projector.append(created(name="Plain", description=SECRET))
    await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await projector.append(InsightRenamed(SECRET, "Plain"))
    await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await projector.append(InsightTagged((SECRET.lower(), "x"), ()))
    await projector.append(InsightQueryChanged(document, Raw(b"null")))
    await projector.append(SharingEnabled(INSIGHT, 4), of=sharing())
    await projector.append(
        SharingPasswordRequired(INSIGHT), SharePasswordAdded(INSIGHT, 5, SECRET), of=sharing()
    )
    await projector.append(DashboardCreated(3, name=SECRET), of=dashboard())
    await projector.append(DashboardTagged(("b", SECRET.lower()), ()), of=dashboard())
    await projector.append(InsightAddedToDashboard(9, 3, SECRET))
    await projector.append(InsightRenamed("Another", SECRET))
    await projector.append(InsightDescribed("Harmless", SECRET))
    await projector.append(
        ActionCreated(6, name=SECRET, steps=Raw(b"[]")), of=stream(StreamKind.ACTION, 6)
    )
    steps = Raw(b'[{"event":"Ada Lovelace"}]')
    await projector.append(ActionStepsChanged(steps, Raw(b"[]")), of=stream(StreamKind.ACTION, 6))
    cohort = stream(StreamKind.COHORT, 8)
    await projector.append(CohortCreated(8, SECRET, is_static=True), of=cohort)
    await projector.append(CohortPeopleAdded((ADA, BOB)), of=cohort)
    access = stream(StreamKind.ACCESS, INSIGHT)
    await projector.append(AccessGranted(INSIGHT, GRANTEE, "viewer", None), of=access)


async def erase_all(projector: Projecting, text: str = SECRET) -> int:
    found = await entries_with_text(projector.pool, TEAM, text)
    await erased(projector, [ErasedEntry(each, redacted(each.event)) for each in found])
    return len(found)


async def erased(projector: Projecting, entries: list[ErasedEntry]) -> None:
    operation = uuid4()
    erasure = Erasure(
        team_id=TEAM,
        number=1,
        actor=ALICE,
        operation_id=operation,
        correlation_id=operation,
        causation_id=None,
    )
    await erase(projector.url, erasure, entries)


async def rows_of(projector: Projecting) -> dict[str, list[dict[str, Any]]]:
    everything = await projector.everything()
    return {name: rows for name, rows in everything.items() if name != "checkpoints"}


async def rebuilt(projector: Projecting) -> list[tuple[str, int, int, int]]:
    """What a rebuild of each projection finds that is not as it says."""
    found = [await rebuild(projector.url, projector.store, each) for each in projections()]
    return [
        (each.projection, each.removed, each.written, each.parked)
        for each in found
        if each.removed or each.written or each.parked
    ]


async def test_a_text_goes_out_of_every_row_as_soon_as_its_erasure_is_folded(
    projector: Projecting,
) -> None:
    await a_secret_everywhere(projector)
    await projector.catch_up()
    before = await rows_of(projector)
    assert SECRET.casefold() in str(before).casefold()
    assert await erase_all(projector) == 13
    await projector.catch_up()
    rows = await rows_of(projector)
    # Nothing is lost besides: a rebuild would lose it, too. The erasure itself is an entry.
    known = {name: len(of) for name, of in before.items()}
    known["activity"] += 1
    assert {name: len(of) for name, of in rows.items()} == known
    assert SECRET.casefold() not in str(rows).casefold()
    assert "u004covelace" not in str(rows)
    assert rows["parked_streams"] == []
    insight = await projector.insight()
    assert insight is not None
    assert (insight.name, insight.description, insight.tags) == (None, None, ())
    assert insight.version == 7
    assert [entry.activity for entry in await projector.activity()][:2] == ["created", "viewed"]
    assert await rebuilt(projector) == []
    assert await rows_of(projector) == rows


async def test_it_is_the_same_wherever_the_projector_stood(projector: Projecting) -> None:
    """Behind, in the middle, or a fact at a time; before or behind the erasure."""
    await a_secret_everywhere(projector)
    await erase_all(projector)
    await projector.catch_up(size=3)
    rows = await rows_of(projector)
    assert SECRET.casefold() not in str(rows).casefold()
    await projector.append(InsightRenamed("Grace", "Another"))
    await projector.catch_up()
    await projector.append(InsightRenamed("Hedy", "Grace"))
    await erase_all(projector, "Grace")
    await projector.append(InsightRenamed("Mary", "Hedy"))
    await projector.catch_up(size=1)
    insight = await projector.insight()
    assert insight is not None
    assert insight.name == "Mary"
    assert "Grace" not in str(await rows_of(projector))
    assert await rebuilt(projector) == []


async def test_a_batch_that_was_read_before_the_erasure_leaves_nothing(
    projector: Projecting,
) -> None:
    """It was on its way with the text when the text went."""
    await a_secret_everywhere(projector)
    entries = await projector.store.read(0)
    await erase_all(projector)
    for projection in projections():
        async with projector.pool.connection() as conn:
            await batch.apply(conn, projection, 0, entries)
    assert SECRET.casefold() in str(await rows_of(projector)).casefold()
    await projector.catch_up()
    assert SECRET.casefold() not in str(await rows_of(projector)).casefold()
    assert await rebuilt(projector) == []


@pytest.mark.parametrize("point", ["begun", "written"])
async def test_a_projector_that_dies_over_it_does_it_once_more(
    projector: Projecting, point: str
) -> None:
    await a_secret_everywhere(projector)
    await projector.catch_up()
    await erase_all(projector)
    for projection in projections():
        with pytest.raises(Killed):
            await projector.runner(projection, crash_at=killed_at(point)).catch_up()
    await projector.catch_up()
    assert SECRET.casefold() not in str(await rows_of(projector)).casefold()
    assert await rebuilt(projector) == []


async def test_two_projectors_at_once_fold_it_once(projector: Projecting) -> None:
    await a_secret_everywhere(projector)
    await erase_all(projector)
    await asyncio.gather(*(projector.catch_up(size=4) for _ in range(3)))
    assert SECRET.casefold() not in str(await rows_of(projector)).casefold()
    assert await rebuilt(projector) == []


async def test_of_a_list_one_person_goes_and_the_others_stay(projector: Projecting) -> None:
    await a_secret_everywhere(projector)
    await projector.catch_up()
    found = await entries_with_people(projector.pool, TEAM, [ADA])
    left = [ErasedEntry(each, without_people(each.event, frozenset({ADA}))) for each in found]
    await erased(projector, left)
    await projector.catch_up()
    people = await projector.rows("SELECT person_id FROM cohort_members")
    assert [row["person_id"] for row in people] == [BOB]
    assert await rebuilt(projector) == []


async def test_the_other_insights_keep_their_place(projector: Projecting) -> None:
    """The newest fact of a project's insights is no older for what was erased."""
    await a_secret_everywhere(projector)
    await projector.append(created(insight_id=8, short_id="second00"), of=_second())
    await projector.catch_up()
    before = await projector.rows("SELECT * FROM insight_positions")
    await erase_all(projector)
    await projector.catch_up()
    assert await projector.rows("SELECT * FROM insight_positions") == before
    assert await rebuilt(projector) == []


def _second() -> Stream[DomainEvent]:
    return stream(StreamKind.INSIGHT, 8)
