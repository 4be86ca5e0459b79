"""The sentences of rows: plain fields of every kind of row, and whether results can change."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from contracts.differences.difference import Names
from contracts.differences.insights import SAME_AS_FILTERS, SAME_AS_QUERY, insight_difference
from contracts.differences.rows import difference
from contracts.queries.overrides import Overrides
from contracts.read_models.dashboard import DashboardTile
from contracts.read_models.insight import TileRow
from tests.contracts.differences.sides import (
    NAMES,
    action,
    cohort,
    dashboard,
    event,
    funnel,
    insight,
    of_queries,
    project,
    raw,
    trends,
)

LEGACY: dict[str, Any] = {"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b", "order": 1}]}
ON_GROWTH = (TileRow(1, 12, False, "Old growth"),)
OFF_GROWTH = (TileRow(1, 12, True, "Old growth"),)
CHROME = {"key": "$browser", "value": "Chrome", "type": "event"}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"name": "a"}, {"name": "b"}, 'Renamed from "a" to "b".'),
        ({}, {"name": "b"}, 'Named "b".'),
        ({"name": "a"}, {}, 'Name removed (was "a").'),
        ({}, {"name": ""}, 'Named "".'),
        ({}, {"description": "x"}, "Description changed."),
        ({}, {"derived_name": "x"}, 'Derived name is "x".'),
        ({"derived_name": "y"}, {"derived_name": "x"}, 'Derived name is "x" instead of "y".'),
        ({"order": 3}, {"order": 1}, "Order changed from 3 to 1."),
        ({}, {"order": 1}, "Order set to 1."),
        ({"order": 1}, {}, "Order removed (was 1)."),
        (
            {"tags": ("draft",)},
            {"tags": ("growth",)},
            "Tagged growth; no longer tagged draft.",
        ),
        ({}, {"tags": ("a", "b")}, "Tagged a and b."),
        ({"tags": ("a",)}, {}, "No longer tagged a."),
        ({}, {"favorited": True}, "Marked as favourite."),
        ({"favorited": True}, {}, "No longer marked as favourite."),
        ({"saved": False}, {"saved": True}, "Saved."),
        ({}, {"saved": False}, "No longer saved."),
        ({}, {"tiles": ON_GROWTH}, 'Put on dashboard "Growth" (12).'),
        ({"tiles": ON_GROWTH}, {"tiles": OFF_GROWTH}, 'Taken off dashboard "Growth" (12).'),
        ({}, {"deleted": True}, "Deleted."),
        ({"deleted": True}, {}, "Restored."),
        (
            {"deleted": True, "tiles": (*ON_GROWTH, TileRow(2, 13, False))},
            {"deleted": False, "tiles": (*ON_GROWTH, TileRow(2, 13, False))},
            "Restored, with its 2 tiles.",
        ),
    ],
)
def test_fields_of_an_insight(before: Any, after: Any, sentence: str) -> None:
    found = difference(insight(**before), insight(**after), NAMES)
    assert found.sentences == (sentence,)
    assert not found.results_can_change


def test_a_dashboard_without_a_name_of_today_is_called_as_it_was() -> None:
    found = difference(insight(), insight(tiles=ON_GROWTH))
    assert found.sentences == ('Put on dashboard "Old growth" (12).',)
    (change,) = found.changes
    assert (change.field, bytes(change.before)) == ("dashboards", b"[]")
    assert msgspec.json.decode(change.after) == [{"id": 12, "name": "Old growth"}]
    closed = difference(insight(), insight(tiles=ON_GROWTH), Names(dashboards={12: None}))
    assert closed.sentences == ("Put on dashboard 12.",)


def test_what_has_no_row_before_was_created() -> None:
    found = [
        difference(None, insight()),
        difference(None, dashboard()),
        difference(None, action()),
        difference(None, cohort()),
        difference(None, project()),
    ]
    assert [(each.sentences, each.changes) for each in found] == [(("Created.",), ())] * 5


def test_versions_and_times_are_no_differences() -> None:
    row = insight(query=raw(funnel("a")))
    found = difference(row, replace(row, version=2, last_modified_by=None))
    assert (found.sentences, found.changes) == ((), ())


# From filters to query


def test_filters_written_as_an_equal_query_are_one_change() -> None:
    filters = insight(filters=raw(LEGACY))
    query = insight(query=raw(funnel(event("a", name="a"), event("b", name="b"))))
    found = difference(filters, query)
    assert [change.field for change in found.changes] == ["query"]
    assert (found.sentences, found.results_can_change) == ((SAME_AS_QUERY,), False)
    assert difference(query, filters).sentences == (SAME_AS_FILTERS,)


def test_filters_written_as_another_query_are_told_apart() -> None:
    filters = insight(filters=raw(LEGACY))
    query = insight(query=raw(funnel(event("a", name="a"), interval="week")))
    found = difference(filters, query)
    assert [change.field for change in found.changes] == ["filters", "query"]
    assert found.sentences == (
        "Legacy filters removed.",
        "Written as a query now.",
        "Step 2 removed: b.",
        "By week instead of day.",
    )


def test_filters_beside_a_query_mean_nothing() -> None:
    before, after = (
        insight(query=raw(trends("a")), filters=raw({"insight": "TRENDS", "interval": each}))
        for each in ("day", "week")
    )
    found = difference(before, after)
    assert found.sentences == ('`filters.interval` is "week" instead of "day".',)
    assert not found.results_can_change


# Results


@pytest.mark.parametrize(
    ("before", "after", "can_change"),
    [
        (funnel("a"), funnel("a", "b"), True),
        # Other documents, the same question.
        (funnel("a"), funnel("a")["source"], False),
        (funnel("a"), funnel("a", version=2), False),
        # Nothing is computed, so nothing is proved.
        ({"kind": "HogQLQuery", "query": "1"}, {"kind": "HogQLQuery", "query": "2"}, True),
        ({"kind": "HogQLQuery", "query": "1"}, {"query": "1", "kind": "HogQLQuery"}, False),
    ],
)
def test_results_can_change_unless_the_key_is_the_same(
    before: object, after: object, can_change: bool
) -> None:
    assert of_queries(before, after).results_can_change is can_change


def test_other_overrides_can_change_results() -> None:
    row = insight(query=raw(funnel("a")))
    last_month = Overrides(date_from="-30d")
    assert insight_difference(row, row, overrides_after=last_month).results_can_change
    under = insight_difference(row, row, overrides_before=last_month, overrides_after=last_month)
    assert not under.results_can_change


# Other kinds


@pytest.mark.parametrize(
    ("before", "after", "sentence", "can_change"),
    [
        ({}, {"name": "b"}, 'Named "b".', False),
        ({}, {"pinned": True}, "Pinned.", False),
        ({}, {"restriction_level": 37}, "Only its creator and administrators may edit it.", False),
        ({}, {"filters": raw({"date_from": "-30d"})}, "Last 30 days instead of 7.", True),
        ({}, {"filters": raw({"properties": [CHROME]})},
         "Now also requires $browser = Chrome.", True),
        ({}, {"filters": raw({"x": 1})}, "`filters.x` is 1.", False),
        ({}, {"tiles": (DashboardTile(1, 7),)}, 'Tile added: insight "Sign-ups" (7).', False),
        ({"tiles": (DashboardTile(1, 7),)}, {"tiles": (DashboardTile(1, 7, "blue"),)},
         'Insight "Sign-ups" (7) has blue as its colour instead of no colour.', False),
        ({"tiles": (DashboardTile(1, 8),)}, {"tiles": (DashboardTile(1, 8, None, raw({"x": 1})),)},
         "Insight 8 is laid out differently.", False),
        ({"deleted": True, "gone_tiles": (1, 2)}, {}, "Restored, with its 2 tiles.", False),
    ],
)  # fmt: skip
def test_dashboards(before: Any, after: Any, sentence: str, can_change: bool) -> None:
    found = difference(dashboard(**before), dashboard(**after), NAMES)
    assert (found.sentences, found.results_can_change) == ((sentence,), can_change)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ([], [{"event": "paid"}], "Match 1 added: paid."),
        ([{"event": "paid"}], [{"event": "bought"}], "Match 1 is now bought instead of paid."),
        ([{"event": "a"}], [{"event": "a", "url": "/pay"}],
         "Match 1 now also requires URL contains /pay."),
        ([{"event": "a", "text": "Buy"}], [{"event": "a", "text": "Pay"}],
         "Match 1 requires text = Pay instead of Buy."),
        ([{"event": "a"}], [{"event": "a", "properties": [CHROME]}],
         "Match 1 now also requires $browser = Chrome."),
        ([{"event": "a"}], [{"event": "a", "x": 1}], "`steps[0].x` is 1."),
    ],
)  # fmt: skip
def test_actions(before: object, after: object, sentence: str) -> None:
    found = difference(action(steps=raw(before)), action(steps=raw(after)))
    assert (found.sentences, found.results_can_change) == ((sentence,), True)
    (change,) = found.changes
    assert change.patch() is not None


def test_cohorts() -> None:
    pro = {"properties": {"type": "AND", "values": [{**CHROME, "type": "person"}]}}
    found = difference(cohort(), cohort(filters=raw(pro), name="Pros"))
    assert found.sentences == (
        'Named "Pros".',
        "Now also requires the person's $browser = Chrome.",
    )
    people = difference(cohort(is_static=True), cohort(is_static=True, count=1_200))
    assert (people.sentences, people.results_can_change) == (("1,200 people added.",), True)


def test_settings_of_a_project() -> None:
    after = project(
        name="Store", timezone="Europe/Berlin", week_start_day=1,
        test_account_filters=raw([{"key": "email", "type": "person", "value": "@x",
                                   "operator": "not_icontains"}]),
    )  # fmt: skip
    found = difference(project(), after)
    assert found.sentences == (
        'Renamed from "Shop" to "Store".',
        "Timezone is Europe/Berlin instead of UTC.",
        "Weeks start on Monday instead of Sunday.",
        "A real account now also requires the person's email does not contain @x.",
    )
    assert found.results_can_change
    assert not difference(project(), project(name="Store")).results_can_change
