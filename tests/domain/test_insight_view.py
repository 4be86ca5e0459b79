"""The insight as readers see it."""

import pytest

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightTagged,
    InsightUnsaved,
)
from contracts.json import EMPTY_OBJECT, NULL
from contracts.read_models.insight import TileRow
from domain.insight.view import view
from tests.examples import ALICE, BOB, FUNNEL, created, insight_history, recorded

TILE = InsightAddedToDashboard(tile_id=31, dashboard_id=3, dashboard_name="Growth")


@pytest.mark.parametrize(
    ("event", "material"),
    [
        (InsightRenamed("B", None), True),
        (InsightDescribed("why", None), True),
        (InsightQueryChanged(FUNNEL, NULL), True),
        (InsightFiltersChanged(FUNNEL, EMPTY_OBJECT), True),
        (InsightDerivedNameChanged("d", None), False),
        (InsightTagged(("a",), ()), False),
        (InsightFavorited(), False),
        (InsightUnsaved(), False),
        (InsightReordered(1, None), False),
        (TILE, False),
        (InsightDeleted(), False),
    ],
)
def test_only_material_changes_move_last_modified(event: InsightEvent, material: bool) -> None:
    (first,) = recorded([created()], actor=ALICE)
    (second,) = recorded([event], actor=BOB, after=1)
    row = view([first, second])
    assert row is not None
    assert (row.last_modified_at, row.last_modified_by) == (
        (second.at, BOB.user_id) if material else (first.at, ALICE.user_id)
    )
    assert row.updated_at == second.at
    assert row.created_by == ALICE.user_id
    assert row.version == 2


def test_any_change_makes_a_sample_the_users_own() -> None:
    sample = view(insight_history(is_sample=True))
    changed = view(insight_history(InsightFavorited(), is_sample=True))
    assert sample is not None
    assert changed is not None
    assert (sample.is_sample, changed.is_sample) == (True, False)


def test_restoring_brings_the_tiles_back() -> None:
    row = view(insight_history(TILE, InsightDeleted(), InsightRestored()))
    assert row is not None
    assert not row.deleted
    assert row.tiles == (TileRow(31, 3, deleted=False, dashboard_name="Growth"),)


def test_nothing_comes_before_the_creation() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        view(recorded([InsightFavorited()]))
    assert view([]) is None
