"""insights-api.md, Pagination and CSV."""

import csv
import io
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP

HOST = "http://recount.test"
ONLY = "tags=[%22paged%22]"


@pytest.fixture(scope="module")
async def pages(api: Api) -> list[int]:
    """Twelve insights, the newest first."""
    made = [(await api.insight(name=f"p{n}", tags=["paged"]))["id"] for n in range(12)]
    return made[::-1]


async def test_next_is_followed_to_the_end(api: Api, pages: list[int]) -> None:
    path, found = f"insights/?limit=5&{ONLY}&basic=true", []
    sizes = []
    while path:
        answer = await api(f"GET {path}")
        answer.says(200, count=12)
        found += [each["id"] for each in answer["results"]]
        sizes.append(len(answer["results"]))
        link = answer["next"]
        if link is not None:
            asked = parse_qs(urlsplit(link).query)
            assert (asked["tags"], asked["basic"]) == (['["paged"]'], ["true"])
            assert link.startswith(f"{HOST}{api.here.insights}?")
        path = link.removeprefix(HOST) if link else ""
    assert found == pages
    assert sizes == [5, 5, 2]


async def test_previous_leads_back_and_offset_does_too(api: Api, pages: list[int]) -> None:
    last = await api(f"GET insights/?limit=5&offset=10&{ONLY}")
    assert [each["id"] for each in last["results"]] == pages[10:]
    before = await api(f"GET {last['previous'].removeprefix(HOST)}")
    assert [each["id"] for each in before["results"]] == pages[5:10]
    first = await api(f"GET {before['previous'].removeprefix(HOST)}")
    assert [each["id"] for each in first["results"]] == pages[:5]
    assert first["previous"] is None


ODD = {
    "limit=0": 12,
    "limit=-1": 12,
    "limit=x": 12,
    "limit=": 12,
    "limit=100000": 12,
    "offset=x": 12,
    "offset=-3": 12,
    "offset=12": 0,
    "offset=1000000": 0,
    "cursor=no-such-cursor": 12,
}


@pytest.mark.parametrize("query", ODD)
async def test_odd_numbers_fall_back_and_past_the_end_is_empty(
    api: Api, pages: list[int], query: str
) -> None:
    answer = await api(f"GET insights/?{query}&{ONLY}")
    answer.says(200, count=12, next=None)
    assert [each["id"] for each in answer["results"]] == pages[: ODD[query]]


async def test_no_page_is_longer_than_a_thousand_and_the_default_is_a_hundred(api: Api) -> None:
    for number in range(101):
        await api.insight(name=str(number), tags=["many"])
    answer = await api("GET insights/?tags=[%22many%22]")
    assert (len(answer["results"]), answer["count"]) == (100, 101)
    link = (await api("GET insights/?limit=5000&offset=1"))["previous"]
    assert parse_qs(urlsplit(link).query)["limit"] == ["1000"]


async def test_links_are_of_the_host_that_was_asked(api: Api, pages: list[int]) -> None:
    del pages
    headers = {"Host": "insights.example:8443", "X-Forwarded-Host": "evil.example"}
    answer = await api(f"GET insights/?limit=1&{ONLY}", headers=headers)
    assert answer["next"].startswith("http://insights.example:8443/api/projects/")


# CSV


def rows(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("how", ["format", "accept"])
async def test_a_list_as_csv_is_a_row_per_insight(api: Api, how: str) -> None:
    tag = f"csv-{how}"
    await api.insight(name='a "quoted", ü\nname', description="=1+1", tags=[tag])
    await api.insight(name="-2", derived_name="+3", description="@x", tags=[tag])
    query = f"insights/?tags=[%22{tag}%22]&order=id" + ("&format=csv" if how == "format" else "")
    accept = {"Accept": "text/csv"} if how == "accept" else {}
    answer = await api(f"GET {query}", headers=accept)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    first, second = rows(answer.body)
    assert first["name"] == 'a "quoted", ü\nname'
    assert first["created_by.email"] == "ada@example.com"
    # A cell that a spreadsheet would compute is quoted.
    assert (first["description"], second["name"], second["description"]) == ("'=1+1", "'-2", "'@x")
    assert second["derived_name"] == "'+3"
    assert (await api(f"GET {query}&format=json", headers=accept)).status == 200


async def test_every_endpoint_has_csv(api: Api) -> None:
    made = await api.insight(name="A", query=SIGN_UP)
    (one,) = rows((await api(f"GET insights/{made['id']}/?format=csv")).body)
    assert (one["id"], one["created_by.first_name"]) == (str(made["id"]), "Ada")
    activity = rows((await api(f"GET insights/{made['id']}/activity/?format=csv")).body)
    assert [row["activity"] for row in activity] == ["created"]
    sharing = rows((await api(f"GET insights/{made['id']}/sharing/?format=csv")).body)
    assert [row["enabled"] for row in sharing] == ["false"]
    for request, body in (
        ("GET insights/funnel/?events=[{%22id%22:%22a%22},{%22id%22:%22b%22}]&format=csv", None),
        ("POST insights/funnel/?format=csv", {"events": [{"id": "a"}, {"id": "b"}]}),
    ):
        steps = rows((await api(request, body)).body)
        assert [(row["name"], row["count"]) for row in steps] == [("a", "0"), ("b", "0")]
    written = await api("POST insights/?format=csv", {"name": "W"})
    assert (written.status, rows(written.body)[0]["name"]) == (201, "W")
    patched = await api(f"PATCH insights/{made['id']}/?format=csv", {"name": "P"})
    assert (patched.status, rows(patched.body)[0]["name"]) == (200, "P")
