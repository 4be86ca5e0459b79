"""Pages of a breakdown at insights/trend/: `next`, until all values have been seen."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.reading import node
from contracts.queries.trends import TrendsQuery
from services.query.insights.trends.pages import Page, cut, page_of, widened
from services.query.insights.trends.plan import OTHER
from tests.services.query.insights.visits import DATES, visited
from tests.whole import Whole

BROWSER = {"breakdown": "browser", "breakdown_limit": 2}
VISITS: dict[str, Any] = {"events": [{"id": "visit"}], **DATES}


def query(breakdown: dict[str, Any] | None = BROWSER, **of: Any) -> TrendsQuery:
    document = {"kind": "TrendsQuery", "breakdownFilter": breakdown, **of}
    return node(document, TrendsQuery)


def rows(*values: str, order: int = 0, **of: Any) -> list[dict[str, Any]]:
    return [{"order": order, "breakdown_value": value, **of} for value in values]


def test_the_first_page_is_the_answer_itself() -> None:
    first = page_of(query(), 0)
    assert first == Page(0, 2)
    assert widened(query(), first) == query()
    assert cut(query(), rows("a", "b", OTHER), first) == (rows("a", "b", OTHER), 2)
    assert cut(query(), rows("a", "b"), first) == (rows("a", "b"), None)


def test_where_other_is_hidden_a_full_page_may_have_a_next_one() -> None:
    hiding = query(BROWSER | {"breakdown_hide_other_aggregation": True})
    assert cut(hiding, rows("a", "b"), Page(0, 2)) == (rows("a", "b"), 2)
    assert cut(hiding, rows("a"), Page(0, 2)) == (rows("a"), None)


def test_a_further_page_is_a_part_of_more_rows() -> None:
    second = page_of(query(), 2)
    assert widened(query(), second) == query(
        BROWSER | {"breakdown_limit": 5, "breakdown_hide_other_aggregation": True}
    )
    assert cut(query(), rows("a", "b", "c", "d", "e"), second) == (rows("c", "d"), 4)
    assert cut(query(), rows("a", "b", "c", "d"), second) == (rows("c", "d"), None)
    assert cut(query(), rows("a", "b"), second) == ([], None)


def test_each_series_and_side_has_its_own_values() -> None:
    of_sides = [
        *rows("a", "b", "c", compare_label="current"),
        *rows("x", "y", "z", order=1, compare_label="current"),
        *rows("b", "c", "d", "e", "f", compare_label="previous"),
    ]
    assert cut(query(), of_sides, Page(2, 2)) == (
        [
            *rows("c", compare_label="current"),
            *rows("z", order=1, compare_label="current"),
            *rows("d", "e", compare_label="previous"),
        ],
        4,
    )


@pytest.mark.parametrize(
    "whole",
    [
        query(None),
        query({"breakdown": [1, "all"], "breakdown_type": "cohort"}),
        query(trendsFilter={"formula": "A * 2"}),
    ],
    ids=["no breakdown", "cohorts", "a formula"],
)
def test_what_is_no_value_of_a_property_has_one_page(whole: TrendsQuery) -> None:
    assert cut(whole, rows("a", "b"), Page(0, 2)) == (rows("a", "b"), None)
    assert cut(whole, rows("a", "b"), Page(2, 2)) == ([], None)


def test_pages_end_where_limits_do() -> None:
    last = Page(998, 2)
    found = rows(*map(str, range(1000)))
    breakdown = widened(query(), last).breakdownFilter
    assert breakdown is not None
    assert breakdown.breakdown_limit == 1000
    assert cut(query(), found, last) == (rows("998", "999"), None)


def test_an_offset_below_nought_is_refused() -> None:
    with pytest.raises(InvalidQuery):
        page_of(query(), -1)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_next_leads_to_every_value(whole: Whole, method: str) -> None:
    await visited(whole)
    filters = {"breakdown": "email", "breakdown_type": "person", "breakdown_limit": 1, **VISITS}
    path: str | None = f"{whole.root}insights/trend/"
    seen: list[list[Any]] = []
    while path is not None and len(seen) < 5:
        if method == "POST":
            answer = await whole.client.post(path, json=filters)
        else:
            params = {} if seen else {**filters, "events": '[{"id": "visit"}]'}
            answer = await whole.client.get(path, params=params or None)
        assert answer.status_code == 200, answer.text
        seen.append([(row["label"], row["data"]) for row in answer.json()["result"]])
        path = answer.json()["next"]
    assert seen == [
        [("ada@example.com", [1, 1, 1]), (OTHER, [3, 1, 1])],
        [("$$_posthog_breakdown_null_$$", [3, 1, 1])],
    ]
