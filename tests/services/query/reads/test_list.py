"""GET insights/: each parameter, the shape of an answer, and CSV."""

import csv
import io
from datetime import timedelta
from urllib.parse import quote

import pytest

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightFavorited,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightTagged,
)
from tests.examples import BOB, FUNNEL
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import Reading
from tests.services.query.reads.seeds import LEGACY, SQL, TRENDS, made, seed


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
    await api.projector.append(InsightCreated(2, "short002"), of=insight(2))
    await api.projector.catch_up()
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
