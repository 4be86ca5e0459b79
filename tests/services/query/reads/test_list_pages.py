"""GET insights/: parameters combined find what a plain filter finds, page by page."""

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDescribed,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent
from tests.examples import ALICE, BOB, FUNNEL
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import BASE, Reading
from tests.services.query.reads.seeds import NULL, SQL, TRENDS, seed

WORDS = ["Sign-ups", "revenue", "Käufe", "käufe 2", "Funnel", "", None]
QUERIES = [NULL, FUNNEL, SQL, TRENDS]


async def crowd(api: Reading, seed_: int, size: int = 60) -> list[dict[str, Any]]:
    """Insights of every kind, as their own basic bodies show them."""
    dice = random.Random(seed_)
    for number in range(1, size + 1):
        tags = tuple(sorted(dice.sample(["a", "b", "c"], dice.randrange(3))))
        facts: list[DomainEvent] = [
            InsightCreated(
                number,
                f"short{number:03}",
                name=dice.choice(WORDS),
                description=dice.choice(WORDS),
                query=dice.choice(QUERIES),
                order=dice.choice([None, None, -1, 3, 7]),
                favorited=dice.random() < 0.3,
                saved=dice.random() < 0.6,
            )
        ]
        if tags:
            facts.append(InsightTagged(tags, ()))
        facts += [
            InsightAddedToDashboard(number * 10 + n, n, None)
            for n in dice.sample([1, 2, 3], dice.randrange(3))
        ]
        if dice.random() < 0.1:
            facts.append(InsightDeleted())
        await api.projector.append(*facts, of=insight(number), actor=dice.choice([ALICE, BOB]))
    for number in dice.sample(range(1, size + 1), 10):
        await api.projector.append(InsightDescribed("later", None), of=insight(number))
    await api.projector.catch_up()
    answer = await api.get("insights/?limit=1000")
    return list(answer.json()["results"])


def expected(bodies: list[dict[str, Any]], chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """The same choice, said in Python."""
    kinds = {"FunnelsQuery": "FUNNELS", "TrendsQuery": "TRENDS", "HogQLQuery": "SQL"}

    def kind(body: dict[str, Any]) -> str | None:
        query = body["query"]
        return None if query is None else kinds[query.get("source", query)["kind"]]

    checks: dict[str, Callable[[dict[str, Any], str], bool]] = {
        "saved": lambda body, sent: (
            body["saved"] or body["dashboards"] != [] if sent == "true" else not body["saved"]
        ),
        "favorited": lambda body, _: bool(body["favorited"]),
        "created_by": lambda body, sent: bool(body["created_by"]["id"] == int(sent)),
        "insight": lambda body, sent: (
            kind(body) in ("FUNNELS", "TRENDS") if sent == "JSON" else kind(body) == sent
        ),
        "dashboards": lambda body, sent: set(msgspec.json.decode(sent)) <= set(body["dashboards"]),
        "tags": lambda body, sent: bool(set(msgspec.json.decode(sent)) & set(body["tags"])),
    }
    found = [
        body for body in bodies if all(checks[name](body, sent) for name, sent in chosen.items())
    ]
    return sorted(found, key=lambda body: -body["id"])


def ordered(bodies: list[dict[str, Any]], order: str) -> list[int]:
    """bodies: the newest first. Nulls last when ascending, first when descending."""
    field = order.removeprefix("-")

    def key(body: dict[str, Any]) -> tuple[bool, Any]:
        value = body[field]
        if field == "created_by":
            value = value["id"]
        if field == "name" and value is not None:
            value = value.casefold()
        return (value is None, value if value is not None else 0)

    in_order = sorted(bodies, key=key, reverse=order.startswith("-"))
    return [body["id"] for body in in_order]


CHOICES: dict[str, list[str]] = {
    "saved": ["true", "false"],
    "favorited": ["1"],
    "created_by": ["1", "2"],
    "insight": ["FUNNELS", "TRENDS", "SQL", "JSON"],
    "dashboards": ["[1]", "[1,2]"],
    "tags": ['["a"]', '["a","b"]'],
}
ORDERS = [
    "name", "created_at", "created_by", "last_modified_at", "updated_at", "short_id", "id", "order",
    "saved", "favorited", "deleted",
]  # fmt: skip


@pytest.mark.parametrize("seed_", range(3))
async def test_parameters_combined_find_what_a_plain_filter_finds(api: Reading, seed_: int) -> None:
    bodies = await crowd(api, seed_)
    dice = random.Random(seed_)
    for _ in range(60):
        names = dice.sample(sorted(CHOICES), dice.randrange(4))
        chosen = {name: dice.choice(CHOICES[name]) for name in names}
        order = dice.choice(["", "-"]) + dice.choice(ORDERS)
        found = ordered(expected(bodies, chosen), order)
        answer = await api.get("insights/", params={**chosen, "order": order, "limit": 1000})
        shown = [body["id"] for body in answer.json()["results"]]
        assert (shown, answer.json()["count"]) == (found, len(found)), (chosen, order)


@pytest.mark.parametrize("order", ["", *ORDERS, *(f"-{field}" for field in ORDERS)])
async def test_pages_hold_everything_once_however_they_are_followed(
    api: Reading, order: str
) -> None:
    await crowd(api, 7, size=25)
    query = f"insights/?basic=true&order={order}"
    whole = await api.ids(f"{query}&limit=1000")
    followed: list[int] = []
    url: str | None = f"{query}&limit=4"
    while url is not None:
        answer = (await api.get(url.removeprefix(BASE))).json()
        assert answer["count"] == len(whole)
        followed += [body["id"] for body in answer["results"]]
        url = answer["next"]
    assert followed == whole
    by_offset = [
        number
        for offset in range(0, len(whole), 4)
        for number in await api.ids(f"{query}&limit=4&offset={offset}")
    ]
    assert by_offset == whole


async def test_following_pages_loses_nothing_to_what_is_deleted_before_them(api: Reading) -> None:
    await seed(api, *[() for _ in range(9)])
    first = (await api.get("insights/?limit=3")).json()
    assert [body["id"] for body in first["results"]] == [9, 8, 7]
    await api.projector.append(InsightDeleted(), of=insight(8))
    await api.projector.catch_up()
    second = (await api.get(first["next"].removeprefix(BASE))).json()
    assert [body["id"] for body in second["results"]] == [6, 5, 4]
    assert second["count"] == 8


async def test_links_keep_the_parameters_and_the_host_that_was_asked(api: Reading) -> None:
    await seed(api, *[() for _ in range(5)])
    answer = (await api.get("insights/?limit=2&offset=2&tags=%5B%5D&empty=&search=")).json()
    following, previous = urlsplit(answer["next"]), urlsplit(answer["previous"])
    for link in (following, previous):
        assert f"{link.scheme}://{link.netloc}{link.path}" == f"{BASE}/api/projects/1/insights/"
        kept = parse_qs(link.query, keep_blank_values=True)
        assert (kept["tags"], kept["empty"], kept["limit"]) == (["[]"], [""], ["2"])
    assert parse_qs(following.query)["offset"] == ["4"]
    assert "offset" not in parse_qs(previous.query)
    first = (await api.get(answer["previous"].removeprefix(BASE))).json()
    assert first["previous"] is None
    last = (await api.get(answer["next"].removeprefix(BASE))).json()
    assert (len(last["results"]), last["next"]) == (1, None)
    beyond = (await api.get("insights/?offset=70")).json()
    assert (beyond["results"], beyond["next"], beyond["count"]) == ([], None, 5)


async def test_a_count_that_was_kept_follows_every_change(api: Reading) -> None:
    await seed(api, (), ())

    async def count() -> int:
        return int((await api.get("insights/?saved=true")).json()["count"])

    assert [await count(), await count()] == [2, 2]
    await api.projector.append(InsightDeleted(), of=insight(1))
    await api.projector.catch_up()
    assert [await count(), await count()] == [1, 1]
