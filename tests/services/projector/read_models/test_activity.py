"""One entry per command, whatever facts it led to."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from msgspec import Raw

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
)
from contracts.events.sharing import AccessTokenRotated, SharingEnabled, SharingSettingsChanged
from contracts.events.viewing import InsightViewed
from contracts.json import NULL
from contracts.read_models.activity import ActivityRow
from tests.examples import BOB, FUNNEL, INSIGHT, created
from tests.services.projector.projecting import Projecting, insight, sharing, viewing


def shown(entry: ActivityRow) -> list[tuple[str, str, Any, Any]]:
    """Its changes: field, action, before, after."""
    return [
        (each.field, each.action, msgspec.json.decode(each.before), msgspec.json.decode(each.after))
        for each in entry.details.changes or ()
    ]


async def test_a_creation_absorbs_what_it_brings_along(projector: Projecting) -> None:
    await projector.append(
        created(name="Sign-ups", query=FUNNEL),
        InsightTagged(tags=("a",), previous=()),
        InsightAddedToDashboard(tile_id=1, dashboard_id=2, dashboard_name="KPIs"),
    )
    await projector.catch_up()
    (entry,) = await projector.activity()
    assert (entry.activity, entry.details.changes, entry.quiet) == ("created", None, False)
    assert (entry.details.name, entry.details.short_id, entry.user_id) == (
        "Sign-ups",
        "aB3dE6gH",
        1,
    )


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_command_that_spans_batches_is_one_entry(projector: Projecting, size: int) -> None:
    await projector.append(created(name="A"))
    facts = await projector.append(
        InsightRenamed(name="B", previous="A"),
        InsightDescribed(description="Weekly", previous=None),
        InsightSaved(),
        actor=BOB,
    )
    await projector.catch_up(size=size)
    _, entry = await projector.activity()
    assert (entry.activity, entry.details.name, entry.user_id) == ("updated", "B", 2)
    assert (entry.position, entry.at) == (facts[-1].position, facts[0].at)
    assert shown(entry) == [
        ("name", "changed", "A", "B"),
        ("description", "created", None, "Weekly"),
        ("saved", "changed", False, True),
    ]


async def test_a_name_is_that_of_the_moment(projector: Projecting) -> None:
    await projector.append(created(derived_name="signed_up → paid"))
    await projector.append(InsightRenamed(name="A", previous=None))
    await projector.append(SharingEnabled(INSIGHT, token_id=1), of=sharing())
    await projector.append(InsightRenamed(name="B", previous="A"))
    await projector.catch_up()
    assert [entry.details.name for entry in await projector.activity()] == [
        "signed_up → paid",
        "A",
        "A",
        "B",
    ]


async def test_moves_between_dashboards_are_one_change(projector: Projecting) -> None:
    await projector.append(created(), InsightAddedToDashboard(1, 10, "Old"))
    await projector.append(
        InsightRemovedFromDashboard(1, 10, "Old"),
        InsightAddedToDashboard(2, 20, "New"),
        InsightAddedToDashboard(3, 30, None),
    )
    await projector.catch_up()
    _, entry = await projector.activity()
    before = [{"id": 10, "name": "Old"}]
    after = [{"id": 20, "name": "New"}, {"id": 30, "name": None}]
    assert shown(entry) == [("dashboards", "changed", before, after)]


@pytest.mark.parametrize(
    ("facts", "activity"),
    [
        ((InsightRenamed("B", "A"), InsightDeleted()), "deleted"),
        ((InsightRestored(), InsightRenamed("B", "A")), "restored"),
        ((InsightFavorited(), InsightSaved()), "updated"),
    ],
)
async def test_deletion_and_restoring_name_the_entry(
    projector: Projecting, facts: tuple[InsightEvent, ...], activity: str
) -> None:
    await projector.append(created(name="A"))
    await projector.append(*facts)
    await projector.catch_up()
    _, entry = await projector.activity()
    assert entry.activity == activity
    assert len(entry.details.changes or ()) == 2


async def test_only_what_posthog_leaves_out_is_quiet(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    await projector.append(InsightSaved(), InsightReordered(order=1, previous=None))
    await projector.append(InsightSaved(), InsightFavorited())
    await projector.append(SharingSettingsChanged(INSIGHT, Raw(b"{}"), NULL), of=sharing())
    await projector.append(
        SharingSettingsChanged(INSIGHT, NULL, Raw(b"{}")),
        SharingEnabled(INSIGHT, token_id=1),
        of=sharing(),
    )
    await projector.append(AccessTokenRotated(INSIGHT, 2, 1, 300), of=sharing())
    await projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await projector.catch_up()
    assert [(entry.activity, entry.quiet) for entry in await projector.activity()] == [
        ("created", False),
        ("updated", True),
        ("updated", False),
        ("sharing changed", True),
        ("sharing enabled", False),
        ("access token refreshed", False),
        ("viewed", True),
    ]


async def test_switching_sharing_is_told_as_posthog_tells_it(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    await projector.append(SharingEnabled(INSIGHT, token_id=1), of=sharing())
    await projector.catch_up()
    _, entry = await projector.activity()
    assert shown(entry) == [("sharing", "changed", None, True)]


async def test_several_insights_looked_at_in_one_command_are_an_entry_each(
    projector: Projecting,
) -> None:
    await projector.append(created(name="A"))
    await projector.append(
        created(insight_id=8, short_id="second00", name="B"), of=insight(8), operation=uuid4()
    )
    await projector.append(InsightViewed(INSIGHT, 1), InsightViewed(8, 1), of=viewing())
    await projector.catch_up()
    for number, name in ((INSIGHT, "A"), (8, "B")):
        _, entry = await projector.activity(number)
        assert (entry.activity, entry.details.name, entry.insight_id) == ("viewed", name, number)
