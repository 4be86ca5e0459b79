"""insights-api.md, Viewed and last viewed."""

from typing import Any

import pytest

from tests.contracts.api.talk import Api


async def last_viewed(api: Api, by: dict[str, str]) -> list[dict[str, Any]]:
    answer = await api("GET insights/my_last_viewed/", by=by)
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.body
    return found


async def test_a_view_is_created_with_an_empty_body_whatever_was_sent(api: Api) -> None:
    """The docs page says 200; PostHog really answers 201."""
    made = await api.insight()
    for text in ("", "{}", "not json", '{"a": 1}', "[]"):
        answer = await api(
            f"POST insights/{made['id']}/viewed/",
            text=text,
            headers={"Content-Type": "application/json"},
        )
        assert (answer.status, answer.body) == (201, "")


async def test_the_last_five_distinct_ones_newest_view_first(api: Api) -> None:
    me = await api.member("vera")
    made = [await api.insight(name=str(number)) for number in range(7)]
    for each in (*made, made[2]):
        (await api(f"POST insights/{each['id']}/viewed/", by=me)).says(201)
    seen = await last_viewed(api, me)
    assert [each["name"] for each in seen] == ["2", "6", "5", "4", "3"]
    assert len(seen[0]) == 20
    times = [each["last_viewed_at"] for each in seen]
    assert None not in times
    assert times == sorted(times, reverse=True)
    (await api(f"PATCH insights/{made[6]['id']}/", {"deleted": True})).says(200)
    assert [each["name"] for each in await last_viewed(api, me)] == ["2", "5", "4", "3", "1"]


async def test_views_are_each_users_own(api: Api) -> None:
    me, other = await api.member("mia"), await api.member("olaf")
    made = await api.insight()
    (await api(f"POST insights/{made['id']}/viewed/", by=me)).says(201)
    assert await last_viewed(api, other) == []
    (mine,) = await last_viewed(api, me)
    shown = await api(f"GET insights/{made['id']}/", by=me)
    shown.says(200, last_viewed_at=mine["last_viewed_at"])
    (await api(f"GET insights/{made['id']}/", by=other)).says(200, last_viewed_at=None)
    patched = await api(f"PATCH insights/{made['id']}/", {"tags": ["t"]}, by=me)
    patched.says(200, last_viewed_at=mine["last_viewed_at"])


async def test_viewing_moves_forward_and_no_version(api: Api) -> None:
    me = await api.member("fred")
    made = await api("POST insights/", {"name": "A"})
    path = f"insights/{made['id']}/"
    times = []
    for _ in range(2):
        await api(f"POST {path}viewed/", by=me)
        times.append((await last_viewed(api, me))[0]["last_viewed_at"])
    assert times[0] < times[1]
    patched = await api(f"PATCH {path}", {"name": "B"}, headers={"If-Match": made.headers["etag"]})
    patched.says(200)


async def test_several_at_once_unknown_ones_skipped(api: Api) -> None:
    me = await api.member("sara")
    one, two = await api.insight(name="1"), await api.insight(name="2")
    ids = [one["id"], 999999, two["id"]]
    (await api("POST insights/viewed/", {"insight_ids": ids}, by=me)).says(201)
    assert {each["name"] for each in await last_viewed(api, me)} == {"1", "2"}
    (await api("POST insights/viewed/", {"insight_ids": [999999]}, by=me)).says(201)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"insight_ids": []},
        {"insight_ids": ["a"]},
        {"insight_ids": 1},
        {"insight_ids": [1] * 2501},
    ],
    ids=["missing", "empty", "text", "number", "too many"],
)
async def test_a_list_of_views_that_is_none_is_refused(api: Api, body: Any) -> None:
    answer = await api("POST insights/viewed/", body)
    assert (answer.status, answer["attr"], answer["type"]) == (
        400, "insight_ids", "validation_error",
    )  # fmt: skip


async def test_an_insight_that_is_not_there_cannot_be_viewed(api: Api) -> None:
    gone = await api.insight(deleted=True)
    for reference in (gone["id"], 999999, "abcdefgh"):
        (await api(f"POST insights/{reference}/viewed/")).refuses(404, "not_found", "Not found.")
