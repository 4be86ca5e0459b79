"""The people behind the bars of a funnel, over HTTP."""

import pytest

from tests.services.query.people.shop import (
    NOON,
    SIGN_UP,
    TRENDS,
    Event,
    event_id,
    everybody,
    funnel,
    happened,
    known,
    merged,
    names,
    ok,
    parameters,
    people,
    person_id,
)
from tests.whole import Whole

VISITS = (
    Event("signed_up", "ada", 0, {"browser": "Firefox"}),
    Event("paid", "ada", 2),
    Event("signed_up", "bob", 1, {"browser": "Safari"}),
    Event("signed_up", "cy", 1, {"browser": "Firefox"}),
    Event("signed_up", "dot", 3, {"browser": "[odd]"}),
    Event("paid", "dot", 4),
    Event("signed_up", "eve", 3, {"browser": "Opera"}),
)


async def opened(whole: Whole) -> None:
    await happened(whole, *VISITS)
    await known(whole, ada={"email": "ada@example.com"}, bob={"name": "Bob"}, cy={}, dot={}, eve={})


async def test_who_has_a_step_and_who_stopped_before_it_are_told_apart(whole: Whole) -> None:
    await opened(whole)
    assert names(await people(whole, funnel_step=1)) == {
        "ada@example.com", "Bob", "cy", "dot", "eve",
    }  # fmt: skip
    assert names(await people(whole, funnel_step=2)) == {"ada@example.com", "dot"}
    assert names(await people(whole, funnel_step=-2)) == {"Bob", "cy", "eve"}


async def test_people_are_named_by_their_last_step_too(whole: Whole) -> None:
    await opened(whole)
    both = {"ada@example.com", "Bob", "cy", "dot", "eve"}
    assert names(await people(whole, funnel_custom_steps=[1])) == {"Bob", "cy", "eve"}
    assert names(await people(whole, funnel_custom_steps="[2]")) == {"ada@example.com", "dot"}
    assert names(await people(whole, funnel_step=2, funnel_custom_steps=[2, 1, 2])) == both
    of_row = {"breakdown": "browser", "funnel_step_breakdown": "Firefox"}
    page = await people(whole, funnel_custom_steps=["1", 2], limit=1, **of_row)
    following = ok(await whole.client.get(page["next"]))
    assert names(page) | names(following) == {"ada@example.com", "cy"}


async def test_people_can_be_searched_for(whole: Whole) -> None:
    await opened(whole)
    assert names(await people(whole, funnel_step=1, search="BO")) == {"Bob"}
    page = await people(whole, funnel_step=1, search="e", limit=1)
    assert names(page) | names(ok(await whole.client.get(page["next"]))) == {
        "ada@example.com",
        "eve",
    }
    assert names(await people(whole, funnel_step=1, search="nobody")) == set()


@pytest.mark.parametrize(
    "called",
    ["2024-01-10", "2024-01-10 00:00", "2024-01-10 00:00:00", "2024-01-10T00:00:00.000"],
)
async def test_a_period_is_called_by_its_day_or_its_time(whole: Whole, called: str) -> None:
    await opened(whole)
    page = await people(whole, **TRENDS, entrance_period_start=called, drop_off=True)
    assert names(page) == {"Bob", "cy", "eve"}


async def test_a_time_with_an_offset_is_read_in_the_projects_zone(whole: Whole) -> None:
    await opened(whole)
    hours = {**TRENDS, "interval": "hour", "drop_off": True}
    page = await people(whole, **hours, entrance_period_start="2024-01-10T15:00:00+02:00")
    assert names(page) == {"Bob", "cy"}
    answer = await whole.client.post(
        f"{whole.root}persons/funnel/",
        json={**SIGN_UP, **hours, "entrance_period_start": "0001-01-01T00:00:00+05:00"},
    )
    assert (answer.status_code, answer.json()["attr"]) == (400, "entrance_period_start")


async def test_a_person_is_shown_by_their_record_and_the_events_that_counted(
    whole: Whole,
) -> None:
    await opened(whole)
    page = await people(whole, funnel_step=2, funnel_step_breakdown="Firefox", breakdown="browser")
    (ada,) = page["results"][0]["people"]
    id_ = str(person_id("ada"))
    assert ada == {
        "type": "person",
        "id": id_,
        "uuid": id_,
        "name": "ada@example.com",
        "distinct_ids": ["ada"],
        "is_identified": True,
        "created_at": "2024-01-10T12:00:00.000000Z",
        "properties": {"email": "ada@example.com"},
        "matched_recordings": [],
        "value_at_data_point": None,
        "matched_events": [
            {
                "step": 1,
                "uuid": str(event_id(VISITS[0])),
                "event": "signed_up",
                "timestamp": "2024-01-10T12:00:00.000000Z",
            },
            {
                "step": 2,
                "uuid": str(event_id(VISITS[1])),
                "event": "paid",
                "timestamp": "2024-01-10T14:00:00.000000Z",
            },
        ],
    }
    assert (page["results"][0]["count"], page["next"], page["missing_persons"]) == (1, None, 0)
    assert (page["is_cached"], NOON.isoformat() < page["last_refresh"]) == (False, True)


async def test_every_url_of_an_answer_leads_to_as_many_people_as_its_bar_counts(
    whole: Whole,
) -> None:
    await opened(whole)
    broken_down = {"breakdown": "browser", "breakdown_limit": 1}
    plain, several = await funnel(whole), await funnel(whole, **broken_down)
    listed = [
        await funnel(whole, **asked)
        for asked in (
            {"breakdown": ["browser"], "breakdown_attribution_type": "all_events"},
            {"breakdown": ["browser", "$os"], "breakdown_limit": 2},
            {"breakdown": "name", "breakdown_type": "person"},
            {"breakdown": ["all"], "breakdown_type": "cohort"},
            {"breakdown": "properties.browser", "breakdown_type": "hogql"},
            {"breakdown": "browser", "funnel_order_type": "unordered"},
        )
    ]
    groups = [plain["result"], *several["result"]]
    groups += [rows for answer in listed for rows in answer["result"]]
    assert {rows[0].get("breakdown_value") == "Other" for rows in groups} == {True, False}
    for rows in groups:
        before = 0
        for row in rows:
            assert row["converted_people_url"].startswith("http://recount.test/api/projects/")
            here = await everybody(whole, row["converted_people_url"])
            assert len(here) == row["count"], row
            if row["order"] == 0:
                assert row["dropped_people_url"] is None
            else:
                dropped = await everybody(whole, row["dropped_people_url"])
                assert len(dropped) == before - row["count"], row
            before = row["count"]


async def test_a_url_carries_the_filter_and_nothing_else_of_the_request(whole: Whole) -> None:
    await opened(whole)
    key = (await whole.key("insight:read"))["Authorization"].removeprefix("Bearer ")
    answer = await whole.client.post(
        f"{whole.insights}funnel/",
        json={**SIGN_UP, "personal_api_key": key, "refresh": True, "client_query_id": "mine"},
        headers={"Authorization": ""},
    )
    url = ok(answer)["result"][1]["converted_people_url"]
    sent = parameters(url)
    assert len(sent.pop("cache_invalidation_key")) == 8
    assert sent == {
        "events": '[{"id":"signed_up","order":0},{"id":"paid","order":1}]',
        "date_from": "2024-01-10",
        "date_to": "2024-01-16",
        "funnel_step": "2",
    }


async def test_pages_go_by_id_and_lead_to_each_other_also_when_the_filter_was_a_body(
    whole: Whole,
) -> None:
    await opened(whole)
    first = await people(whole, funnel_step=1, limit=2)
    assert (first["results"][0]["count"], parameters(first["initial"])["offset"]) == (2, "0")
    assert parameters(first["next"])["offset"] == "2"
    both = await everybody(whole, first["initial"])
    assert [one["id"] for one in both] == sorted(str(person_id(who)) for who in WHO)
    assert len(await everybody(whole, first["next"])) == 3


WHO = ("ada", "bob", "cy", "dot", "eve")


async def test_merged_persons_are_one_and_those_without_a_record_are_counted_as_missing(
    whole: Whole,
) -> None:
    await happened(whole, Event("signed_up", "anon", 0), Event("paid", "ada", 1))
    await happened(whole, Event("signed_up", "ghost", 0), Event("paid", "ghost", 1))
    await known(whole, ada={}, anon={})
    await merged(whole, "anon", into="ada")
    page = await people(whole, funnel_step=2)
    (ada,) = page["results"][0]["people"]
    assert (ada["id"], ada["distinct_ids"]) == (str(person_id("ada")), ["ada", "anon"])
    assert (page["results"][0]["count"], page["missing_persons"]) == (1, 1)


async def test_groups_are_listed_described_or_not(whole: Whole) -> None:
    await happened(
        whole,
        Event("signed_up", "ada", 0, groups=["acme"]),
        Event("paid", "bob", 1, groups=["acme"]),
        Event("signed_up", "cy", 0, groups=["brick"]),
        Event("signed_up", "dot", 0),
    )
    async with whole.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO groups VALUES (%s, 0, 'acme', %s, %s, 1)",
            (whole.project.id, '{"name":"Acme Inc"}', NOON),
        )
    page = await people(whole, funnel_step=1, aggregation_group_type_index=0)
    acme, brick = page["results"][0]["people"]
    assert acme.pop("matched_events")[0]["event"] == "signed_up"
    assert acme == {
        "type": "group",
        "id": "acme",
        "group_key": "acme",
        "group_type_index": 0,
        "name": "Acme Inc",
        "created_at": "2024-01-10T12:00:00.000000Z",
        "properties": {"name": "Acme Inc"},
        "matched_recordings": [],
        "value_at_data_point": None,
    }
    assert (brick["id"], brick["created_at"], brick["properties"]) == ("brick", None, {})


async def test_a_funnel_of_values_lists_the_values(whole: Whole) -> None:
    await happened(
        whole,
        Event("signed_up", "ada", 0, {"$session_id": "s1"}),
        Event("paid", "ada", 1, {"$session_id": "s1"}),
        Event("signed_up", "ada", 2, {"$session_id": "s2"}),
    )
    page = await people(whole, funnel_step=-2, funnel_aggregate_by_hogql="properties.$session_id")
    (session,) = page["results"][0]["people"]
    assert (session["type"], session["id"], page["missing_persons"]) == ("value", "s2", 0)


async def test_a_trends_period_lists_who_entered_it_and_converted_or_not(whole: Whole) -> None:
    await opened(whole)
    trends = {"funnel_viz_type": "trends", "entrance_period_start": "2024-01-10"}
    assert names(await people(whole, **trends, drop_off=True)) == {"Bob", "cy", "eve"}
    converted = await people(
        whole, **{**trends, "entrance_period_start": "2024-01-10 00:00:00"}, drop_off=False
    )
    assert names(converted) == {"ada@example.com", "dot"}
    assert (
        names(
            await people(
                whole, **{**trends, "entrance_period_start": "2024-01-11"}, drop_off="true"
            )
        )
        == set()
    )


async def test_a_bin_of_times_lists_as_many_people_as_it_counts(whole: Whole) -> None:
    await opened(whole)
    answer = await funnel(whole, funnel_viz_type="time_to_convert", bin_count=2)
    bins = answer["result"]["bins"]
    assert sum(count for _, count in bins) == 2
    width = bins[1][0] - bins[0][0]
    for start, count in bins:
        page = await people(
            whole,
            funnel_viz_type="time_to_convert",
            funnel_conversion_time_from=start,
            funnel_conversion_time_to=start + width,
        )
        assert page["results"][0]["count"] == count


@pytest.mark.parametrize("path", ["/api/person/funnel/", "/api/persons/funnel", "person/funnel/"])
async def test_old_paths_lead_to_the_same_people(whole: Whole, path: str) -> None:
    await opened(whole)
    url = path if path.startswith("/") else f"{whole.root}{path}"
    query = {
        "events": '[{"id":"signed_up"},{"id":"paid","order":1}]',
        "date_from": "2024-01-10",
        "date_to": "2024-01-16",
        "funnel_step": "-2",
    }
    assert names(ok(await whole.client.get(url, params=query))) == {"Bob", "cy", "eve"}


async def test_people_are_shown_to_keys_that_may_read_persons(whole: Whole) -> None:
    answer = await whole.client.post(
        f"{whole.root}persons/funnel/",
        json={**SIGN_UP, "funnel_step": 1},
        headers=await whole.key("insight:read"),
    )
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "API key missing required scope 'person:read'",
    )
