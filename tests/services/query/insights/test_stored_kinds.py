"""Stored trends, stickiness and lifecycles: in lists, on dashboards, under filters over them."""

import json
from typing import Any

import pytest

from tests.services.query.insights.visits import DATES, LIFECYCLE, STICKINESS, VISITS, visited
from tests.services.query.people.shop import ok
from tests.whole import Whole

TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [VISITS], "dateRange": DATES}
KINDS = [TRENDS, STICKINESS, LIFECYCLE]
LEGACY: dict[str, Any] = {"events": [{"id": "visit"}], **DATES}

LATER = {"date_from": "2024-01-11", "date_to": "2024-01-12"}
OF_LATER = {
    "TrendsQuery": [[2, 2]],
    "StickinessQuery": [[2, 1]],
    "LifecycleQuery": [[0, 0], [1, 1], [1, 1], [-2, -1]],
}
"""What the insights show under `LATER`."""


def wrapped(node: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "InsightVizNode", "source": node}


def numbers(insight: dict[str, Any]) -> list[list[int]]:
    return [row["data"] for row in insight["result"]]


async def board(whole: Whole, **filters: Any) -> int:
    made = (await whole.client.post(f"{whole.root}dashboards/", json={"name": "Board"})).json()
    changed = await whole.client.patch(
        f"{whole.root}dashboards/{made['id']}/", json={"filters": filters}
    )
    ok(changed)
    return int(made["id"])


async def shown_on(whole: Whole, board_id: int) -> list[dict[str, Any]]:
    """Its insights, in the order they were made."""
    body = ok(
        await whole.client.get(
            f"{whole.root}dashboards/{board_id}/", params={"refresh": "blocking"}
        )
    )
    return sorted((tile["insight"] for tile in body["tiles"]), key=lambda one: one["id"])


@pytest.mark.parametrize("shape", [wrapped, dict], ids=["wrapped", "bare"])
async def test_a_dashboards_dates_are_laid_over_every_kind(whole: Whole, shape: Any) -> None:
    await visited(whole)
    board_id = await board(whole, **LATER)
    for node in KINDS:
        await whole.create(query=shape(node), dashboards=[board_id])
    found = await shown_on(whole, board_id)
    assert [numbers(one) for one in found] == list(OF_LATER.values())
    sources = [one["query"].get("source", one["query"]) for one in found]
    assert [source["dateRange"]["date_from"] for source in sources] == ["2024-01-11"] * 3


async def test_ad_hoc_dates_are_laid_over_legacy_filters_too(whole: Whole) -> None:
    await visited(whole)
    asked = {"refresh": "blocking", "filters_override": json.dumps(LATER)}
    for shown_as, expected in zip(
        ("TRENDS", "STICKINESS", "LIFECYCLE"), OF_LATER.values(), strict=True
    ):
        made = await whole.create(filters=LEGACY | {"insight": shown_as})
        path = f"{whole.insights}{made['id']}/"
        plain = ok(await whole.client.get(path, params={"refresh": "blocking"}))
        assert len(numbers(plain)[0]) == 3
        assert numbers(ok(await whole.client.get(path, params=asked))) == expected


async def test_a_breakdown_laid_over_a_dashboard_splits_trends_alone(whole: Whole) -> None:
    await visited(whole)
    board_id = await board(
        whole, breakdown_filter={"breakdown": "email", "breakdown_type": "person"}
    )
    for node in KINDS:
        await whole.create(query=wrapped(node), dashboards=[board_id])
        await whole.create(
            filters=LEGACY | {"insight": node["kind"].removesuffix("Query").upper()},
            dashboards=[board_id],
        )
    trends, _, sticky, _, alive, _ = found = await shown_on(whole, board_id)
    assert [row["label"] for row in trends["result"]] == [
        "ada@example.com", "$$_posthog_breakdown_null_$$",
    ]  # fmt: skip
    assert numbers(sticky) == [[2, 1, 1]]
    assert "breakdownFilter" not in sticky["query"]["source"]
    assert [row["status"] for row in alive["result"]] == [
        "new", "returning", "resurrecting", "dormant",
    ]  # fmt: skip
    # Legacy filters are the same numbers.
    assert [numbers(one) for one in found[::2]] == [numbers(one) for one in found[1::2]]


async def test_a_list_keeps_the_place_of_what_cannot_be_computed(whole: Whole) -> None:
    await visited(whole)
    wrong = TRENDS | {"trendsFilter": {"formula": "A + B"}}
    for node in (TRENDS, wrong, STICKINESS, {"kind": "RetentionQuery"}, LIFECYCLE):
        await whole.create(query=wrapped(node))
    body = ok(await whole.client.get(whole.insights, params={"refresh": "blocking"}))
    assert [one["result"] and len(one["result"]) for one in reversed(body["results"])] == [
        1, None, 1, None, 4,
    ]  # fmt: skip
    (failing,) = [
        one["id"] for one in body["results"]
        if one["query"]["source"].get("trendsFilter") == {"formula": "A + B"}
    ]  # fmt: skip
    alone = await whole.client.get(f"{whole.insights}{failing}/", params={"refresh": "blocking"})
    assert (alone.status_code, alone.json()["code"]) == (400, "invalid_input")
