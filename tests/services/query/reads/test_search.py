"""GET insights/?search=…: what is found, what is only alike, and in which order."""

from urllib.parse import quote

import pytest
from msgspec import Raw

from contracts.events.insight import InsightCreated, InsightTagged
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import Reading
from tests.services.query.reads.seeds import made, seed


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
