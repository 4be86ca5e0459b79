"""The people behind a trend's numbers, as clients ask for them."""

from typing import Any

from tests.services.query.insights.visits import DATES, DAYS, VISITS, behind, query, visited
from tests.services.query.people.shop import names, ok
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
ACTIVE = TRENDS | {"series": [VISITS | {"math": "dau"}]}
BY_EMAIL = {"breakdown": "email", "breakdown_type": "person", "breakdown_limit": 1}


async def test_of_a_point_of_a_row_and_of_the_range(whole: Whole) -> None:
    await visited(whole)
    assert await behind(whole, ACTIVE, day=DAYS[0]) == {"ghost": 2, "ada@example.com": 1, "Bob": 1}
    assert await behind(whole, TRENDS, day="2024-01-12T10:00:00Z") == {
        "ada@example.com": 1, "Bob": 1,
    }  # fmt: skip
    assert (await behind(whole, TRENDS))["ada@example.com"] == 3
    running = ACTIVE | {"trendsFilter": {"display": "ActionsLineGraphCumulative"}}
    # Who comes for the first time in the range.
    assert await behind(whole, running, day=DAYS[1]) == {"cy": 1}
    assert await behind(whole, ACTIVE | {"trendsFilter": {"display": "BoldNumber"}}) == (
        await behind(whole, TRENDS)
    )


async def test_of_values_and_of_all_the_others(whole: Whole) -> None:
    await visited(whole)
    split = ACTIVE | {"breakdownFilter": BY_EMAIL}
    rows = (await query(whole, split))["results"]
    assert [row["breakdown_value"] for row in rows] == [
        "ada@example.com", "$$_posthog_breakdown_other_$$",
    ]  # fmt: skip
    for row in rows:
        for day, number in zip(DAYS, row["data"], strict=True):
            found = await behind(whole, split, day=day, breakdown=row["breakdown_value"])
            assert len(found) == number, (row["label"], day)


async def test_of_the_side_compared_with(whole: Whole) -> None:
    await visited(whole)
    compared = TRENDS | {"compareFilter": {"compare": True}}
    asked = {"day": "2024-01-09", "compare": "previous"}
    assert await behind(whole, compared, **asked) == {"ghost": 1}
    # The current side's day at the same place means the same point.
    assert await behind(whole, compared, **(asked | {"day": DAYS[2]})) == {"ghost": 1}


async def test_what_there_is_to_choose_is_told(whole: Whole) -> None:
    await visited(whole)
    split = ACTIVE | {"breakdownFilter": BY_EMAIL, "compareFilter": {"compare": True}}
    answer = await query(whole, {"kind": "InsightActorsQueryOptions", "source": split})
    assert [day["value"] for day in answer["day"]] == [f"{day}T00:00:00Z" for day in DAYS]
    assert answer["series"] == [{"label": "visit", "value": 0}]
    assert answer["breakdown"][0] == {"label": "ada@example.com", "value": "ada@example.com"}
    assert answer["status"] is None
    assert [side["label"] for side in answer["compare"]] == ["Current", "Previous"]


async def test_they_are_listed_by_legacy_filters(whole: Whole) -> None:
    await visited(whole)
    url = f"{whole.root}persons/trends/"
    day = {"events": [{"id": "visit"}], "date_from": DAYS[0], "date_to": DAYS[0]}
    page = ok(await whole.client.post(url, json=day))
    assert names(page) == {"ada@example.com", "Bob"}
    assert page["missing_persons"] == 1
    # Weekly active people still look back.
    weekly = day | {"events": [{"id": "visit", "math": "weekly_active"}], "search": "bob"}
    weekly |= {"date_from": "2024-01-15", "date_to": "2024-01-15"}
    assert names(ok(await whole.client.post(url, json=weekly))) == {"Bob"}
    refused = await whole.client.post(url, json=day | {"entity_order": 3})
    assert (refused.status_code, refused.json()["attr"]) == (400, "events")
