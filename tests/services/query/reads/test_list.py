"""GET insights/: each parameter, all of them together, pages, and CSV."""

import csv
import io
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest
from msgspec import Raw

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDescribed,
    InsightFavorited,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent, UserActor
from tests.examples import ALICE, BOB, FUNNEL
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import BASE, Reading

SQL = Raw(b'{"kind":"DataVisualizationNode","source":{"kind":"HogQLQuery","query":"select 1"}}')
TRENDS = Raw(b'{"kind":"TrendsQuery","series":[]}')
LEGACY = Raw(b'{"insight":"FUNNELS"}')
EMPTY = Raw(b"{}")
NULL = Raw(b"null")


async def seed(api: Reading, *insights: tuple[DomainEvent, ...], by: UserActor = ALICE) -> None:
    """Insights 1, 2, 3 …: each the facts after its creation, or its creation among them."""
    for number, facts in enumerate(insights, start=1):
        first = facts[0] if facts and isinstance(facts[0], InsightCreated) else None
        creation = msgspec.structs.replace(
            first or InsightCreated(0, ""), insight_id=number, short_id=f"short{number:03}"
        )
        await api.projector.append(
            creation, *(facts[1:] if first else facts), of=insight(number), actor=by
        )
    await api.projector.catch_up()


def made(**fields: Any) -> InsightCreated:
    return InsightCreated(insight_id=0, short_id="", **fields)


async def test_without_parameters_by_order_then_the_newest_first(api: Reading) -> None:
    await seed(api, (), (made(order=2),), (made(order=1),), (), (InsightDeleted(),))
    assert await api.ids("insights/") == [3, 2, 4, 1]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ("short_id=short002", [2]),
        ("short_id=SHORT002", []),
        ("created_by=1", [4, 3, 2, 1]),
        ("created_by=2", []),
        ("user=", [4, 3, 2, 1]),
        ("saved=true", [4, 3, 1]),
        ("saved=True", [4, 3, 1]),
        ("saved=1", [4, 3, 1]),
        ("saved=false", [2, 1]),
        ("favorited=", [3]),
        ("favorited=false", [3]),
        ("insight=FUNNELS", [2, 1]),
        ("insight=TRENDS", [3]),
        ("insight=JSON", [3, 1]),
        ("insight=SQL", [4]),
        ("insight=PATHS", []),
        ("insight=OTHER", []),
        ("dashboards=[10]", [3, 1]),
        ("dashboards=[10,20]", [1]),
        ("dashboards=[]", [4, 3, 2, 1]),
        (f"dashboards=[{10**40}]", []),
        ('tags=["a"]', [2, 1]),
        ('tags=["A ","b"]', [3, 2, 1]),
        ("tags=[]", [4, 3, 2, 1]),
        ("date_from=-1h", [4, 3, 2, 1]),
        ("date_to=-1h", []),
        ("date_from=all", [4, 3, 2, 1]),
        ("insight=FUNNELS&saved=false&tags=%5B%22a%22%5D&favorited", []),
        ("insight=FUNNELS&saved=false&dashboards=[10]", [1]),
        ("surprise=1&utm_source=x", [4, 3, 2, 1]),
        ("limit=2", [4, 3]),
        ("limit=2&offset=1", [3, 2]),
        ("limit=x&offset=y", [4, 3, 2, 1]),
        ("limit=0&offset=-1", [4, 3, 2, 1]),
        ("limit=99999999999999999999999", [4, 3, 2, 1]),
        ("offset=99999999999999999999999", []),
        ("cursor=nonsense", [4, 3, 2, 1]),
        ("cursor=W10", [4, 3, 2, 1]),
    ],
)
async def test_each_parameter_finds_what_it_says(
    api: Reading, parameters: str, found: list[int]
) -> None:
    await seed(
        api,
        (
            made(query=FUNNEL, saved=False),
            InsightTagged(("a", "b"), ()),
            InsightAddedToDashboard(1, 10, None),
            InsightAddedToDashboard(2, 20, None),
        ),
        (
            made(filters=LEGACY, saved=False),
            InsightTagged(("a",), ()),
            InsightAddedToDashboard(3, 10, None),
            InsightRemovedFromDashboard(3, 10, None),
        ),
        (
            made(query=TRENDS),
            InsightTagged(("b",), ()),
            InsightFavorited(),
            InsightAddedToDashboard(4, 10, None),
        ),
        (made(query=SQL),),
    )
    assert await api.ids(f"insights/?{parameters}") == found


async def test_the_caller_is_who_user_means(api: Reading) -> None:
    await seed(api, (), (), by=BOB)
    assert await api.ids("insights/?user=true", by="bob") == [2, 1]
    assert await api.ids("insights/?user=true") == []
    assert await api.ids("insights/?created_by=2") == [2, 1]


async def test_dates_are_of_the_last_modification_and_strict(api: Reading) -> None:
    await seed(api, (made(name="A"),), (made(name="B"),))
    (fact,) = await api.projector.append(InsightRenamed("C", "A"), of=insight(1))
    await api.projector.catch_up()
    at = fact.at
    just = timedelta(microseconds=1)
    assert await api.ids(f"insights/?date_from={quote(at.isoformat())}") == []
    assert await api.ids(f"insights/?date_from={quote((at - just).isoformat())}") == [1]
    assert await api.ids(f"insights/?date_to={quote(at.isoformat())}") == [2]
    assert await api.ids(f"insights/?date_to={quote((at + just).isoformat())}") == [2, 1]


@pytest.mark.parametrize(
    ("parameters", "attr", "code"),
    [
        ("order=secret", "order", "invalid_choice"),
        ("ordering=-result", "order", "invalid_choice"),
        ("search=" + 201 * "x", "search", "max_length"),
        ("created_by=alice", "created_by", "invalid_input"),
        ("dashboards=5", "dashboards", "invalid_input"),
        ('dashboards=["x"]', "dashboards", "invalid_input"),
        ("dashboards=[", "dashboards", "invalid_input"),
        ("tags=a,b", "tags", "invalid_input"),
        ("tags=[1]", "tags", "invalid_input"),
        ("date_from=tomorrow", "date_from", "invalid_input"),
        ("date_to=2026-13-01", "date_to", "invalid_input"),
        ("search=%00", "search", "null_characters_not_allowed"),
        ("short_id=a%00", "short_id", "null_characters_not_allowed"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    api: Reading, parameters: str, attr: str, code: str
) -> None:
    answer = await api.get(f"insights/?{parameters}")
    assert answer.status_code == 400
    body = answer.json()
    assert (body["type"], body["attr"], body["code"]) == ("validation_error", attr, code)


@pytest.mark.parametrize("field", ["name", "short_id", "tags", "search"])
async def test_bytes_that_are_no_text_find_nothing_and_break_nothing(
    api: Reading, field: str
) -> None:
    answer = await api.get(f"insights/?{field}=%ED%A0%80%FF")
    assert answer.status_code in (200, 400)


# Search


async def searched(api: Reading, text: str, more: str = "") -> list[tuple[int, str]]:
    answer = await api.get(f"insights/?search={quote(text)}{more}")
    assert answer.status_code == 200
    return [(each["id"], each["search_match_type"]) for each in answer.json()["results"]]


async def test_a_search_looks_into_names_texts_and_tags(api: Reading) -> None:
    await seed(
        api,
        (made(name="Weekly Sign-Ups"),),
        (made(derived_name="sign-ups by country"),),
        (made(description="all SIGN-UPS since May"),),
        (InsightTagged(("sign-ups",), ()),),
        (made(name="Revenue", query=Raw(b'{"kind":"TrendsQuery","name":"sign-ups"}')),),
    )
    found = [(2, "exact"), (1, "exact"), (4, "exact"), (3, "exact")]
    assert await searched(api, "sign-UPS") == found


async def test_a_search_shows_the_closest_first(api: Reading) -> None:
    await seed(
        api,
        (made(name="my dahsboard", order=1),),
        (made(description="a dashboard of ours"),),
        (made(name="The dashboard", order=5),),
        (made(name="old dashboards"),),
        (made(name="Dashboard"),),
        (made(name="Something else"),),
    )
    assert await searched(api, "dashboard") == [
        (5, "exact"),
        (3, "exact"),
        (4, "exact"),
        (2, "exact"),
    ]
    similar = [(number, "similar") for number in (3, 5, 4)]
    assert await searched(api, "dashbaord") == similar


async def test_look_alikes_show_only_when_nothing_in_the_project_is_a_hit(api: Reading) -> None:
    await seed(api, (made(name="my dahsboard"), InsightTagged(("new",), ())))
    assert await searched(api, "dashboard") == [(1, "similar")]
    hit = 2
    creation = InsightCreated(hit, "short002", description="of the dashboard")
    await api.projector.append(creation, of=insight(hit))
    await api.projector.catch_up()
    for more in ("", "&order=name", "&limit=1", "&tags=%5B%22new%22%5D", "&saved=false"):
        assert (1, "similar") not in await searched(api, "dashboard", more)
    page = (await api.get("insights/?search=dashboard")).json()
    assert ([each["id"] for each in page["results"]], page["count"]) == ([hit], 1)


async def test_a_search_with_an_order_keeps_the_order(api: Reading) -> None:
    await seed(api, (made(name="b funnel"),), (made(name="a funnel"),), (made(name="funel c"),))
    assert await searched(api, "funnel", "&order=name") == [
        (2, "exact"),
        (1, "exact"),
    ]
    assert await searched(api, "fnnel", "&order=name") == [(2, "similar"), (1, "similar")]


@pytest.mark.parametrize("text", ["100%", "a_b", "back\\slash", "it's", "%", "käse", "STRASSE"])
async def test_a_search_takes_every_character_for_itself(api: Reading, text: str) -> None:
    names = ["100% sure", "a_b", "aXb", "back\\slash", "it's", "KÄSE", "Straße 7", "100 sure"]
    await seed(api, *((made(name=name),) for name in names))
    found = {number for number, match in await searched(api, text) if match == "exact"}
    assert found == {
        number for number, name in enumerate(names, start=1) if text.casefold() in name.casefold()
    }


@pytest.mark.parametrize("text", ["", "%20%20"])
async def test_a_blank_search_finds_everything(api: Reading, text: str) -> None:
    await seed(api, (), ())
    answer = await api.get(f"insights/?search={text}")
    assert [each["id"] for each in answer.json()["results"]] == [2, 1]
    assert "search_match_type" not in answer.json()["results"][0]


# Against a plain filter


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


# Shapes


async def test_a_basic_insight_has_these_twenty_members(api: Reading) -> None:
    await seed(api, (made(query=FUNNEL),))
    (body,) = (await api.get("insights/?basic=true")).json()["results"]
    assert set(body) == {
        "id", "short_id", "name", "derived_name", "filters", "query", "dashboards",
        "dashboard_tiles", "description", "last_refresh", "refreshing", "saved", "tags",
        "updated_at", "created_by", "created_at", "last_modified_at", "favorited",
        "user_access_level", "last_viewed_at",
    }  # fmt: skip


async def test_a_list_shows_each_insight_as_its_own_path_does(api: Reading) -> None:
    await seed(api, (made(name="A", query=FUNNEL), InsightTagged(("a",), ())))
    (listed,) = (await api.get("insights/")).json()["results"]
    assert listed == (await api.get("insights/1/")).json()


async def test_a_list_known_to_the_client_is_not_sent_again(api: Reading) -> None:
    await seed(api, ())
    first = await api.get("insights/")
    known = {"If-None-Match": first.headers["ETag"]}
    assert (await api.get("insights/", headers=known)).status_code == 304
    await seed(api, (), ())
    assert (await api.get("insights/", headers=known)).status_code == 200


async def table(api: Reading, path: str, **headers: str) -> list[dict[str, str]]:
    answer = await api.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    ("path", "headers"),
    [("insights/?format=csv", {}), ("insights/", {"Accept": "text/csv"})],
)
async def test_a_list_is_a_table_for_who_wants_one(
    api: Reading, path: str, headers: dict[str, str]
) -> None:
    await seed(api, (made(name='He said "Käufe",\nand left', order=-5),), (made(query=FUNNEL),))
    first, second = await table(api, path, **headers)
    assert (first["id"], first["name"]) == ("1", 'He said "Käufe",\nand left')
    assert (first["created_by.email"], first["favorited"]) == ("alice@example.com", "false")
    assert (first["order"], first["tags"], first["result"]) == ("-5", "[]", "")
    assert second["query.source.kind"] == "FunnelsQuery"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
async def test_no_cell_is_a_formula(api: Reading, name: str) -> None:
    await seed(api, (made(name=name),))
    (row,) = await table(api, "insights/?format=csv")
    assert row["name"] == f"'{name}"


async def test_one_insight_is_a_table_of_one_row(api: Reading) -> None:
    await seed(api, (made(name="A"),))
    (row,) = await table(api, "insights/1/?format=csv")
    assert row["name"] == "A"
