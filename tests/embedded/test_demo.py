"""The demo data: the same every time, and with something to see in it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from services.embedded import demo
from services.embedded.demo import DemoEvent

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def people(events: list[DemoEvent]) -> dict[str, list[DemoEvent]]:
    """Each person's events by number: visitor-0007 and user-0007@… are one person."""
    found: dict[str, list[DemoEvent]] = {}
    for event in events:
        found.setdefault(event.distinct_id.removesuffix("@example.com")[-4:], []).append(event)
    return found


def share(events: list[DemoEvent], device: str) -> float:
    """How many of those who opened the form on this kind of device signed up."""
    on_it = [event for event in events if event.properties["$device_type"] == device]
    counts = Counter(event.event for event in on_it)
    return counts[demo.SIGNED_UP] / counts[demo.FORM_OPENED]


def test_it_is_the_same_every_time_and_no_event_is_there_twice() -> None:
    events = list(demo.events(NOW))
    assert events == list(demo.events(NOW))
    assert len({event.uuid for event in events}) == len(events)


def test_it_covers_the_weeks_before_now_and_nothing_after() -> None:
    times = [event.timestamp for event in demo.events(NOW)]
    assert max(times) < NOW
    assert NOW - timedelta(weeks=demo.WEEKS) < min(times) < NOW - timedelta(weeks=demo.WEEKS - 1)
    assert max(times) > NOW - timedelta(days=1)


def test_each_person_takes_the_steps_in_order() -> None:
    everybody = people(list(demo.events(NOW)))
    assert len(everybody) > 3_000
    for events in everybody.values():
        times = [event.timestamp for event in events]
        assert times == sorted(times)
        assert events[0].event == demo.VISITED


def test_the_funnel_narrows_at_every_step_and_reaches_its_end() -> None:
    counts = Counter(
        name
        for events in people(list(demo.events(NOW))).values()
        for name in {event.event for event in events}
    )
    steps = [
        demo.VISITED,
        demo.FORM_OPENED,
        demo.SIGNED_UP,
        demo.PROJECT_CREATED,
        demo.TEAMMATE_INVITED,
        demo.SUBSCRIBED,
    ]
    reached = [counts[step] for step in steps]
    assert reached == sorted(reached, reverse=True)
    assert reached[0] > 3_000
    assert reached[-1] > 50


def test_phones_convert_worse_than_desks() -> None:
    events = list(demo.events(NOW))
    assert share(events, "Mobile") < share(events, "Desktop") - 0.1


def test_a_sign_up_ties_the_anonymous_past_to_the_person() -> None:
    ties = [event for event in demo.events(NOW) if event.event == "$identify"]
    assert len(ties) > 500
    for event in ties:
        anonymous = event.properties["$anon_distinct_id"]
        assert anonymous.removeprefix("visitor-") in event.distinct_id
