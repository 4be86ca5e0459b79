"""What follows from a command on an insight."""

import pytest
from msgspec import Raw

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from contracts.json import EMPTY_OBJECT, NULL
from domain.errors import AlreadyExists, NotFound
from domain.insight.commands import CreateInsight, EditInsight, NewTile
from tests.domain.story import past
from tests.examples import FUNNEL, INSIGHT, created

GROWTH = NewTile(dashboard_id=3, name="Growth", tile_id=31)
SALES = NewTile(dashboard_id=4, name="Sales", tile_id=41)
ON_GROWTH = InsightAddedToDashboard(tile_id=31, dashboard_id=3, dashboard_name="Growth")
OFF_GROWTH = InsightRemovedFromDashboard(tile_id=31, dashboard_id=3, dashboard_name="Growth")
ON_SALES = InsightAddedToDashboard(tile_id=41, dashboard_id=4, dashboard_name="Sales")


def test_an_insight_is_created_with_its_tags_and_dashboards() -> None:
    past().when(
        CreateInsight(
            insight_id=INSIGHT,
            short_id="aB3dE6gH",
            name="Sign-ups",
            query=FUNNEL,
            tags=(" Growth", "b2b", "growth", ""),
            dashboards=(GROWTH,),
        )
    ).then(
        created(name="Sign-ups", query=FUNNEL),
        InsightTagged(tags=("b2b", "growth"), previous=()),
        ON_GROWTH,
    )


def test_an_insight_may_be_created_with_nothing_at_all() -> None:
    past().when(CreateInsight(insight_id=INSIGHT, short_id="aB3dE6gH")).then(created())


def test_an_insight_is_created_once() -> None:
    again = CreateInsight(insight_id=INSIGHT, short_id="aB3dE6gH")
    past(created()).when(again).then_refused(AlreadyExists)


def test_an_insight_that_never_was_is_not_found() -> None:
    past().when(EditInsight(name="x")).then_refused(NotFound)


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (EditInsight(name="New"), InsightRenamed(name="New", previous="Old")),
        (EditInsight(name=None), InsightRenamed(name=None, previous="Old")),
        (
            EditInsight(derived_name="$pageview count"),
            InsightDerivedNameChanged(derived_name="$pageview count", previous=None),
        ),
        (EditInsight(description="Why"), InsightDescribed(description="Why", previous=None)),
        (
            EditInsight(filters=Raw(b'{"insight":"FUNNELS"}')),
            InsightFiltersChanged(filters=Raw(b'{"insight":"FUNNELS"}'), previous=EMPTY_OBJECT),
        ),
        (EditInsight(query=FUNNEL), InsightQueryChanged(query=FUNNEL, previous=NULL)),
        (EditInsight(tags=("B", "a ")), InsightTagged(tags=("a", "b"), previous=())),
        (EditInsight(favorited=True), InsightFavorited()),
        (EditInsight(saved=False), InsightUnsaved()),
        (EditInsight(order=5), InsightReordered(order=5, previous=None)),
        (EditInsight(deleted=True), InsightDeleted()),
        (EditInsight(dashboards=(GROWTH,)), ON_GROWTH),
    ],
)
def test_each_change_is_recorded_beside_what_was_there(
    command: EditInsight, fact: InsightEvent
) -> None:
    past(created(name="Old")).when(command).then(fact)


def test_marks_are_taken_off_again() -> None:
    past(created(favorited=True, saved=False)).when(EditInsight(favorited=False, saved=True)).then(
        InsightUnfavorited(), InsightSaved()
    )


def test_a_patch_that_says_what_is_there_already_changes_nothing() -> None:
    past(
        created(name="A", query=Raw(b'{"kind":"TrendsQuery","n":1}')),
        InsightTagged(tags=("a",), previous=()),
        ON_GROWTH,
    ).when(
        EditInsight(
            name="A",
            query=Raw(b'{"n":1.0,"kind":"TrendsQuery"}'),
            tags=("A",),
            saved=True,
            favorited=False,
            order=None,
            deleted=False,
            dashboards=(GROWTH,),
        )
    ).then_nothing()


def test_dashboards_are_set_as_a_whole() -> None:
    past(created(), ON_GROWTH).when(EditInsight(dashboards=(SALES,))).then(OFF_GROWTH, ON_SALES)


def test_an_insight_that_comes_back_to_a_dashboard_keeps_its_tile() -> None:
    back = NewTile(dashboard_id=3, name="Growth", tile_id=99)
    past(created(), ON_GROWTH, OFF_GROWTH).when(EditInsight(dashboards=(back,))).then(ON_GROWTH)


def test_a_deleted_insight_is_out_of_reach() -> None:
    past(created(), InsightDeleted()).when(EditInsight(name="x")).then_refused(NotFound)
    past(created(), InsightDeleted()).when(EditInsight(deleted=True)).then_refused(NotFound)


def test_only_deleted_false_brings_an_insight_back_and_it_may_bring_changes() -> None:
    past(created(name="A"), InsightDeleted()).when(EditInsight(deleted=False, name="B")).then(
        InsightRestored(), InsightRenamed(name="B", previous="A")
    )


def test_an_edit_that_deletes_says_what_it_changed_first() -> None:
    past(created(name="A")).when(EditInsight(deleted=True, name="B")).then(
        InsightRenamed(name="B", previous="A"), InsightDeleted()
    )


def test_a_creation_may_be_deleted_at_once() -> None:
    past().when(CreateInsight(insight_id=INSIGHT, short_id="aB3dE6gH", deleted=True)).then(
        InsightCreated(insight_id=INSIGHT, short_id="aB3dE6gH"), InsightDeleted()
    )
