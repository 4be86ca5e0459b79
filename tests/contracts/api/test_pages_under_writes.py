"""Walking a list while others write to it: what was there all the time is shown, and once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.common.accounts import administration
from tests.contracts.api.talk import Api

HOST = "http://recount.test"
MOST_PAGES = 30

Write = Callable[[int], Awaitable[None]]


async def walked(api: Api, path: str, write: Write, member: str = "id") -> list[Any]:
    """What each page shows, `write` being done after each of the first ten."""
    shown: list[Any] = []
    following: str | None = path
    for number in range(MOST_PAGES):
        if following is None:
            return shown
        page = await api(f"GET {following}")
        page.says(200)
        shown += [each[member] for each in page["results"]]
        following = page["next"].removeprefix(HOST) if page["next"] else None
        if number < 10:
            await write(number)
    raise AssertionError("the pages do not end")


def once(shown: list[Any], throughout: list[Any]) -> None:
    assert len(shown) == len(set(shown)), "something is shown twice"
    assert set(throughout) <= set(shown), "something is missing"
    assert [each for each in shown if each in set(throughout)] == throughout, "the order"


@pytest.mark.parametrize(
    ("order", "newest_first"),
    [
        ("", True),
        ("order=id", False),
        ("order=-id", True),
        ("order=created_at", False),
        ("order=-created_at", True),
        ("order=-last_modified_at", True),
        ("order=name", True),
        ("order=-name", True),
        ("order=saved", True),
        ("order=-order", True),
        ("order=created_by", True),
        ("search=walked&order=-created_at", True),
    ],
)
async def test_insights(api: Api, order: str, newest_first: bool) -> None:
    tag = uuid4().hex
    made = [(await api.insight(name="walked m", tags=[tag]))["id"] for _ in range(7)]
    doomed = [(await api.insight(name="walked m", tags=[tag]))["id"] for _ in range(3)]

    async def write(number: int) -> None:
        for fields in ({"order": -1, "name": "walked a"}, {"order": 1, "name": "walked z"}):
            await api.insight(tags=[tag], **fields)
        if number < len(doomed):
            gone = await api(f"PATCH insights/{doomed[number]}/", {"deleted": True})
            gone.says(200)

    shown = await walked(api, f"insights/?{order}&tags=[%22{tag}%22]&limit=2", write)
    once(shown, made[::-1] if newest_first else made)


async def test_the_last_page_of_insights_is_the_last_whatever_came_before_it(api: Api) -> None:
    tag = uuid4().hex
    for _ in range(3):
        await api.insight(name="m", tags=[tag])
    first = await api(f"GET insights/?tags=[%22{tag}%22]&limit=2")
    for _ in range(4):
        await api.insight(name="a", tags=[tag], order=-1)
    last = await api(f"GET {first['next'].removeprefix(HOST)}")
    last.says(200, count=7, next=None)
    assert len(last["results"]) == 1


async def test_a_page_that_is_full_and_the_last_has_no_next(api: Api) -> None:
    tag = uuid4().hex
    for _ in range(4):
        await api.insight(name="m", tags=[tag])
    for query in ("order=id", "search=m"):
        first = await api(f"GET insights/?{query}&tags=[%22{tag}%22]&limit=2")
        second = await api(f"GET {first['next'].removeprefix(HOST)}")
        assert (len(second["results"]), second["next"]) == (2, None)


async def test_dashboards(api: Api) -> None:
    names: list[str | None] = ["m", "m", None, "b", "x", None, "m"]
    made = [await api.dashboard(name=name, pinned=n % 3 == 0) for n, name in enumerate(names)]
    by_order = sorted(
        zip(names, made, strict=True),
        key=lambda pair: (made.index(pair[1]) % 3 != 0, pair[0] is None, pair[0] or "", pair[1]),
    )
    doomed = [await api.dashboard(name="a", pinned=True) for _ in range(2)]

    async def write(number: int) -> None:
        await api.dashboard(name="0", pinned=True)
        await api.dashboard(name="m")
        if number < len(doomed):
            (await api(f"PATCH dashboards/{doomed[number]}/", {"deleted": True})).says(200)

    shown = await walked(api, "dashboards/?limit=2", write)
    once(shown, [number for _, number in by_order])


@pytest.mark.parametrize("kind", ["actions", "cohorts"])
async def test_actions_and_cohorts(api: Api, kind: str) -> None:
    async def new() -> int:
        answer = await api(f"POST {kind}/", {"name": f"walked {kind}"})
        answer.says(201)
        return int(answer["id"])

    made = [await new() for _ in range(5)]
    doomed = [await new() for _ in range(2)]

    async def write(number: int) -> None:
        await new()
        if number < len(doomed):
            (await api(f"PATCH {kind}/{doomed[number]}/", {"deleted": True})).says(200)

    once(await walked(api, f"{kind}/?limit=2&search=walked", write), made[::-1])


@pytest.mark.parametrize("of", ["insights/{}/activity/?limit=2", "insights/activity/?limit=20"])
async def test_activity(api: Api, of: str) -> None:
    insight = await api.insight(name="0")
    path = f"insights/{insight['id']}/"
    for name in "123456":
        (await api(f"PATCH {path}", {"name": name})).says(200)
    before = await api(f"GET {path}activity/?limit=100")
    throughout = [each["id"] for each in before["results"]]

    async def write(number: int) -> None:
        (await api(f"PATCH {path}", {"name": f"later {number}"})).says(200)

    shown = await walked(api, of.format(insight["id"]), write)
    once(shown, throughout)


async def test_members(api: Api) -> None:
    for name in "abcdef":
        await api.here.member(f"walker-{name}@example.com")
    path = f"/api/organizations/{api.here.organization.id}/members/?limit=2"
    before = await api(f"GET {path.replace('limit=2', 'limit=100')}")
    throughout = [each["id"] for each in before["results"]]

    async def write(number: int) -> None:
        await api.here.member(f"late-{number}@example.com")
        if number == 1:
            # The first of those that were shown already.
            async with api.here.pool.connection() as conn:
                await conn.execute(
                    "DELETE FROM organization_members WHERE id = %s", (throughout[1],)
                )

    once(await walked(api, path, write), throughout)


@pytest.mark.parametrize(
    "path", ["/api/projects/?limit=2", "/api/organizations/@current/projects/?limit=2"]
)
async def test_projects(api: Api, path: str) -> None:
    async def new() -> int:
        made = await administration.create_project(
            api.here.pool, api.here.organization.id, "walked"
        )
        return made.id

    for _ in range(4):
        await new()
    before = await api(f"GET {path.replace('limit=2', 'limit=100')}")
    throughout = [each["id"] for each in before["results"]]

    async def write(_: int) -> None:
        await new()

    once(await walked(api, path, write), throughout)


async def test_event_definitions(api: Api) -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    names = [f"walked {letter}" for letter in "mnopq"]
    for number, name in enumerate(names):
        await api.here.happened((name, "p", day - timedelta(days=number // 2)))

    async def write(number: int) -> None:
        await api.here.happened((f"walked a{number}", "p", day + timedelta(days=1)))

    path = "event_definitions/?limit=2&search=walked"
    once(await walked(api, path, write, "name"), names)


async def test_property_definitions(api: Api) -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    names = [f"prop-{letter}" for letter in "mnopq"]
    await api.here.happened(("walked", "p", day), **dict.fromkeys(names, "x"))

    async def write(number: int) -> None:
        await api.here.happened(("walked", "p", day), **{f"prop-a{number}": "x"})

    path = "property_definitions/?limit=2&search=prop-"
    once(await walked(api, path, write, "name"), names)
