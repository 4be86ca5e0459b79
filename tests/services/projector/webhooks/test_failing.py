"""What a webhook does about a receiver that fails: the schedule, parked lanes, probes, its end."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from contracts.events.webhook import (
    WebhookDisabled,
    WebhookLaneParked,
    WebhookResumed,
)
from services.projector.webhooks.schedule import WAITS
from tests.services.projector.webhooks.delivering import (
    Delivering,
)
from tests.services.projector.webhooks.receiving import Behaviour


def refusing(*sequences: int, status: Any = 500) -> Any:
    return lambda got: status if got.sequence in sequences else 200


def asking(status: int, seconds: str) -> Behaviour:
    return lambda got: web.Response(status=status, headers={"Retry-After": seconds})


async def test_ten_attempts_in_75_hours_then_the_lane_is_parked(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1, 2, facts=3)
    began = hook.clock.at
    hook.receiver.behave = refusing(4)  # insight 1's second fact
    await hook.go_on()
    assert hook.clock.at - began == sum(WAITS, timedelta()) == timedelta(hours=75, seconds=2105)
    failed = [each for each in await hook.attempts() if each["sequence"] == 4]
    assert [each["state"] for each in failed] == ["failed"] * 9 + ["parked"]
    assert [each["at"] - began for each in failed] == [
        sum(WAITS[:number], timedelta()) for number in range(10)
    ]
    assert [each["retry_at"] for each in failed[:-1]] == [each["at"] for each in failed[1:]]
    (told,) = await hook.facts()
    assert isinstance(told, WebhookLaneParked)
    assert (told.lane, told.sequence, told.attempts, told.error) == ("insight/1", 4, 10, "status")
    # All of insight 2; of insight 1 what came before.
    assert sorted(got.sequence for got in hook.receiver.got if got.sequence != 4) == [2, 3, 5, 7]
    assert await hook.pending() == [4, 6]
    row = (await hook.standing()).row
    assert [lane.lane for lane in row.parked] == ["insight/1"]


async def test_waits_are_spread_by_a_tenth_and_never_beyond(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    hook.receiver.behave = lambda got: 500
    for spread, seconds in ((1.0, 5.5), (-1.0, 270.0)):
        hook.spread = spread
        await hook.step()
        newest = (await hook.attempts())[-1]
        assert (newest["retry_at"] - newest["at"]).total_seconds() == seconds
        hook.clock.at = newest["retry_at"]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_says_when_but_no_later_than_in_an_hour(
    hook: Delivering, status: int
) -> None:
    await hook.make()
    await hook.insights(1)
    for asked, waited in (("90", 90), ("7200", 3600)):
        hook.receiver.behave = asking(status, asked)
        await hook.step()
        newest = (await hook.attempts())[-1]
        assert (newest["retry_at"] - newest["at"]).total_seconds() == waited
        hook.clock.at = newest["retry_at"]
    hook.receiver.behave = lambda got: 200
    await hook.step()
    assert hook.receiver.sequences == [2, 2, 2]


@pytest.mark.parametrize(("how", "then"), [("retry", [4, 6]), ("skip", [6])])
async def test_a_lane_goes_on_when_it_is_released(
    hook: Delivering, how: str, then: list[int]
) -> None:
    await hook.make()
    await hook.insights(1, 2, facts=3)
    hook.receiver.behave = refusing(4)
    await hook.go_on()
    await hook.restart()
    await hook.step()
    before = len(hook.receiver.got)
    hook.receiver.behave = lambda got: 200
    await hook.release("insight/1", how)
    await hook.go_on()
    assert hook.receiver.sequences[before:] == then
    assert await hook.pending() == []
    await hook.restart()
    await hook.step()
    assert len(hook.receiver.got) == before + len(then)


async def test_a_lane_that_is_released_may_park_again(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1, facts=2)
    hook.receiver.behave = refusing(3)
    await hook.go_on()
    await hook.release("insight/1", "retry")
    # Others succeed, or it would be five days without one.
    await hook.insights(2)
    await hook.go_on()
    parked = [fact for fact in await hook.facts() if isinstance(fact, WebhookLaneParked)]
    assert len({fact.parking for fact in parked}) == 2
    assert len([each for each in await hook.attempts() if each["sequence"] == 3]) == 20


async def test_what_is_gone_is_disabled_until_somebody_resumes_it(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1, 2, facts=2)
    hook.receiver.behave = refusing(3, status=410)
    await hook.step()
    sent = len(hook.receiver.got)
    assert await hook.facts() == [WebhookDisabled("gone")]
    assert (await hook.standing()).row.disabled_reason == "gone"
    await hook.restart()
    await hook.step()
    assert len(hook.receiver.got) == sent
    hook.receiver.behave = lambda got: 200
    await hook.tell(WebhookResumed())
    await hook.step()
    assert sorted(set(hook.receiver.sequences)) == [2, 3, 4, 5]
    assert await hook.pending() == []


async def test_after_twenty_failures_in_a_row_one_probe_at_a_time_goes_out(
    hook: Delivering,
) -> None:
    await hook.make(max_in_flight=32)
    await hook.insights(*range(1, 26))
    hook.receiver.behave = lambda got: 500
    await hook.step()
    assert len(hook.receiver.got) == 25
    hook.clock.move(timedelta(minutes=4))
    await hook.step()
    # Of 25 that are due, the oldest alone.
    assert hook.receiver.sequences[25:] == [2]
    await hook.step()
    assert len(hook.receiver.got) == 26
    hook.receiver.behave = lambda got: 200
    hook.clock.move(timedelta(minutes=5))
    await hook.step()
    assert sorted(hook.receiver.sequences[26:]) == list(range(2, 27))


async def test_five_days_without_a_success_disable_it(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    began = hook.clock.at
    hook.receiver.behave = lambda got: 500
    await hook.go_on()
    # The log has a clock of its own: the webhook was made a moment after.
    hook.clock.at = began + timedelta(days=5) - timedelta(minutes=1)
    await hook.step()
    assert (await hook.standing()).row.state == "active"
    hook.clock.move(timedelta(minutes=2))
    await hook.step()
    assert (await hook.standing()).row.disabled_reason == "no_success"
    assert (await hook.facts())[-1] == WebhookDisabled("no_success")
    await hook.tell(WebhookResumed())
    await hook.insights(2)
    await hook.step()
    assert hook.receiver.got[-1].sequence == 6
    assert (await hook.standing()).row.state == "active"


async def test_a_forbidden_address_is_a_failure_like_any_other(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    hook.names.answers["hooks.test"] = ["127.0.0.1"]
    await hook.step()
    (attempt,) = await hook.attempts()
    assert (attempt["state"], attempt["error"]) == ("failed", "forbidden_address")
    hook.names.answers.clear()
    await hook.go_on()
    assert hook.receiver.sequences == [2]


async def test_a_pause_is_no_silence_of_the_receiver(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    hook.receiver.behave = lambda got: 500
    await hook.step()
    hook.clock.move(timedelta(days=6))
    standing = await hook.standing()
    assert hook.delivery is not None
    # Resumed just now, by the test's own clock.
    await hook.delivery.step(replace(standing, row=replace(standing.row, since=hook.clock.at)))
    await hook.delivery.attempts_ended()
    assert len(hook.receiver.got) == 2
    await hook.delivery.step(standing)
    assert [row["fact"]["type"] for row in await found(hook)] == ["webhook.disabled.v1"]


async def test_a_release_is_of_one_parking_and_not_of_the_next(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1, facts=2)
    hook.receiver.behave = refusing(3)
    await hook.go_on()
    await hook.release("insight/1", "retry")
    await hook.insights(2)
    released = await hook.standing()
    assert hook.delivery is not None
    while not await found(hook):
        await hook.delivery.step(released)
        await hook.delivery.attempts_ended()
        hook.clock.at = hook.delivery.next_at() or hook.clock.at
    # It gave up again, which no row tells yet.
    sent = len(hook.receiver.got)
    await hook.delivery.step(released)
    await hook.delivery.attempts_ended()
    assert (len(hook.receiver.got), hook.delivery.lanes.parked) == (sent, 1)


async def found(hook: Delivering) -> list[dict[str, Any]]:
    """What the log shall tell."""
    return await hook.projector.rows("SELECT fact FROM to_tell")
