"""A kept number is shown for as long as it is what would be computed, and not a moment longer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.projector.product_events.ingest import STEPS, Step
from tests.services.projector.product_events.test_crashes import Crash, Crashing
from tests.services.query.results.live import Live, counts, happened, live
from tests.whole import Whole


@pytest.fixture
async def api(
    whole: Whole, postgres_url: str, nats_url: str, stream_prefix: str
) -> AsyncIterator[Live]:
    async with live(whole, postgres_url, nats_url, stream_prefix) as opened:
        yield opened


async def test_a_number_is_kept_while_nothing_it_reads_arrives_and_new_when_it_does(
    api: Live,
) -> None:
    await api.arrives(happened("signed_up", "ada"))
    assert counts(await api.funnel()) == [1, 0]
    await api.arrives(happened("looked", "ada"), happened("looked", "bob"))
    assert await api.is_kept()
    await api.arrives(happened("paid", "ada", timedelta(minutes=1)))
    assert not await api.is_kept()
    assert counts(await api.funnel()) == [1, 1]
    # A late one, of a day that is over.
    await api.arrives(happened("signed_up", "bob", timedelta(days=3)))
    assert not await api.is_kept()
    assert counts(await api.funnel()) == [2, 1]


async def test_whoever_sends_the_position_of_their_events_sees_them_at_once(api: Live) -> None:
    assert counts(await api.funnel()) == [0, 0]
    position = await api.arrives(happened("signed_up", "ada"))
    recent = await api.funnel()
    assert (counts(recent), recent["is_cached"]) == ([0, 0], True)
    mine = await api.funnel({"Ingest-Position": str(position)})
    assert (counts(mine), mine["is_cached"]) == ([1, 0], False)
    again = await api.funnel({"Ingest-Position": str(position)})
    assert again["is_cached"] is True


@pytest.mark.parametrize("path", ["insights/funnel/", "query/", "persons/funnel/"])
async def test_a_position_that_is_not_reached_is_waited_for_and_refused_at_last(
    api: Live, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.whole.app.state.ingested, "_patience_seconds", 0.05)
    answer = await api.whole.client.post(
        f"{api.whole.root}{path}",
        json={
            "events": [{"id": "a"}, {"id": "b"}],
            "funnel_step": 1,
            "query": {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode"}] * 2},
        },
        headers={"Ingest-Position": "1000000"},
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    garbled = await api.whole.client.post(
        f"{api.whole.root}{path}", json={}, headers={"Ingest-Position": "soon"}
    )
    assert garbled.status_code == 400


async def test_events_outside_the_range_move_nothing(api: Live) -> None:
    now = datetime.now(UTC)
    days: dict[str, Any] = {
        "date_from": f"{now - timedelta(days=20):%Y-%m-%d}",
        "date_to": f"{now - timedelta(days=10):%Y-%m-%d}",
    }
    await api.arrives(happened("signed_up", "ada", timedelta(days=15)))
    assert counts(await api.funnel(**days)) == [1, 0]
    await api.arrives(happened("signed_up", "bob"))
    assert await api.is_kept(**days)
    await api.arrives(happened("signed_up", "cy", timedelta(days=12)))
    assert not await api.is_kept(**days)


async def test_an_event_that_lies_ahead_is_taken_in_when_its_time_comes(api: Live) -> None:
    await api.arrives(happened("signed_up", "ada"), happened("paid", "ada", -timedelta(seconds=3)))
    assert counts(await api.funnel()) == [1, 0]
    assert not await api.is_kept(), "the clock may reach it at any moment"
    await api.arrives(happened("looked", "ada", -timedelta(hours=3)))
    assert not await api.is_kept()


async def test_names_of_others_that_lie_ahead_move_nothing(api: Live) -> None:
    await api.arrives(happened("signed_up", "ada"), happened("looked", "ada", -timedelta(hours=3)))
    await api.funnel()
    assert await api.is_kept()


READS_ALL: list[dict[str, Any]] = [
    {"funnel_order_type": "strict"},
    {"events": [{"id": None}, {"id": "paid"}]},
    {"properties": [{"key": "$session_duration", "value": 1, "operator": "gt", "type": "session"}]},
]


@pytest.mark.parametrize("filters", READS_ALL)
async def test_what_reads_events_of_all_names_is_moved_by_any(
    api: Live, filters: dict[str, Any]
) -> None:
    await api.arrives(happened("signed_up", "ada"))
    await api.funnel(**filters)
    assert await api.is_kept(**filters)
    await api.arrives(happened("looked", "ada"))
    assert not await api.is_kept(**filters)


async def test_a_first_time_reads_what_was_before_the_range(api: Live) -> None:
    first = [{"id": "signed_up", "math": "first_time_for_user"}, {"id": "paid"}]
    await api.arrives(happened("signed_up", "ada"))
    assert counts(await api.funnel(events=first)) == [1, 0]
    await api.arrives(happened("signed_up", "ada", timedelta(days=300)))
    assert not await api.is_kept(events=first)
    assert counts(await api.funnel(events=first)) == [0, 0]


async def test_exclusions_are_read_too(api: Live) -> None:
    excluded = [{"id": "left", "funnel_from_step": 0, "funnel_to_step": 1}]
    await api.arrives(happened("signed_up", "ada"), happened("paid", "ada", timedelta(minutes=1)))
    await api.funnel(exclusions=excluded)
    await api.arrives(happened("left", "ada", timedelta(minutes=30)))
    assert not await api.is_kept(exclusions=excluded)


async def test_persons_count_where_they_are_read(api: Live) -> None:
    pro: dict[str, Any] = {"properties": [{"key": "plan", "value": "pro", "type": "person"}]}
    await api.arrives(happened("signed_up", "ada"))
    assert (counts(await api.funnel()), counts(await api.funnel(**pro))) == ([1, 0], [0, 0])
    # Somebody new, and another property of somebody known, change neither.
    await api.arrives(happened("looked", "eve", properties={"$set": {"plan": "pro"}}))
    await api.arrives(happened("looked", "ada", properties={"$set": {"city": "Oslo"}}))
    assert await api.is_kept(**pro)
    await api.arrives(happened("looked", "ada", properties={"$set": {"plan": "pro"}}))
    assert await api.is_kept()
    assert not await api.is_kept(**pro)
    assert counts(await api.funnel(**pro)) == [1, 0]


async def test_merges_of_persons_always_count(api: Live) -> None:
    await api.arrives(happened("signed_up", "anon"), happened("paid", "ada", timedelta(minutes=1)))
    assert counts(await api.funnel()) == [1, 0]
    await api.arrives(happened("$create_alias", "ada", properties={"alias": "anon"}))
    assert not await api.is_kept()
    assert counts(await api.funnel()) == [1, 1]


async def test_groups_count_where_they_are_read(api: Live) -> None:
    big = [{"key": "size", "value": "big", "type": "group", "group_type_index": 0}]

    def described(**properties: str) -> Any:
        told = {"$group_type": "company", "$group_key": "acme", "$group_set": properties}
        return happened("$groupidentify", "ada", properties=told)

    await api.arrives(happened("signed_up", "ada", properties={"$groups": {"company": "acme"}}))
    assert counts(await api.funnel(properties=big)) == [0, 0]
    await api.arrives(described(city="Oslo"))
    assert await api.is_kept(properties=big)
    await api.arrives(described(size="big"))
    assert not await api.is_kept(properties=big)
    assert counts(await api.funnel(properties=big)) == [1, 0]


async def test_a_relative_date_in_a_filter_moves_with_the_clock(api: Live) -> None:
    lately = [{"key": "at", "value": "-7d", "operator": "is_date_after", "type": "event"}]
    await api.arrives(happened("signed_up", "ada", properties={"at": "2020-01-01"}))
    await api.funnel(properties=lately)
    assert not await api.is_kept(properties=lately)


async def test_an_edited_action_is_seen_at_once(api: Live) -> None:
    client, root = api.whole.client, api.whole.root
    made = await client.post(f"{root}actions/", json={"name": "A", "steps": [{"event": "paid"}]})
    number = made.json()["id"]
    filters: dict[str, Any] = {
        "events": [{"id": "signed_up"}],
        "actions": [{"id": number, "order": 1}],
    }
    await api.arrives(happened("signed_up", "ada"), happened("paid", "ada", timedelta(minutes=1)))
    assert counts(await api.funnel(**filters)) == [1, 1]
    await client.patch(f"{root}actions/{number}/", json={"steps": [{"event": "left"}]})
    # Not even recent ones are shown.
    assert counts(await api.funnel(**filters)) == [1, 0]


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_shows_no_number_as_current_that_is_not(
    api: Live, step: Step
) -> None:
    assert counts(await api.funnel()) == [0, 0]
    position = await api.servers.send([happened("signed_up", "ada")], api.whole.project.id)
    with pytest.raises(Crash):
        await api.servers.projector(Crashing(step)).follow(until=position)
    # Computed over whatever is visible by now.
    await api.grows_old()
    await api.funnel()
    await api.servers.projector().follow(until=position)
    mine = await api.funnel({"Ingest-Position": str(position)})
    assert counts(mine) == [1, 0]
    await api.grows_old()
    assert counts(await api.funnel()) == [1, 0]
