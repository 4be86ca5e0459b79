"""The order of lanes: pure, and the same whatever happens in which order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projector.webhooks.lanes import Lanes, Parking, Pending
from services.projector.webhooks.schedule import (
    LONGEST_RETRY_AFTER,
    WAITS,
    wait_after,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def due(sequence: int, lane: str = "insight/1", **fields: object) -> Pending:
    return Pending(sequence=sequence, lane=lane, **fields)  # type: ignore[arg-type]  # a test's own


def test_the_schedule_has_nine_waits_and_ends() -> None:
    assert sum(WAITS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert [wait_after(attempts, None, 0) for attempts in range(1, 11)] == [*WAITS, None]
    assert wait_after(1, None, 1) == timedelta(seconds=5.5)
    assert wait_after(1, None, -1) == timedelta(seconds=4.5)
    assert wait_after(9, timedelta(minutes=2), 1) == timedelta(minutes=2)
    assert wait_after(1, timedelta(days=2), 0) == LONGEST_RETRY_AFTER
    assert wait_after(10, timedelta(minutes=2), 0) is None


def test_the_next_of_a_lane_comes_after_the_one_before() -> None:
    first, second, other = due(1), due(2), due(3, "insight/2")
    lanes = Lanes([first, second, other])
    assert lanes.take(NOW, 8) == [first, other]
    assert lanes.take(NOW, 8) == []
    lanes.done(first)
    assert lanes.take(NOW, 8) == [second]
    assert (len(lanes), lanes.busy) == (2, 2)


def test_no_more_go_out_than_there_is_room_for_the_lowest_first() -> None:
    lanes = Lanes(due(number, f"insight/{number}") for number in range(9, 0, -1))
    assert [each.sequence for each in lanes.take(NOW, 3)] == [1, 2, 3]
    assert [each.sequence for each in lanes.take(NOW, 0)] == []


def test_what_failed_holds_up_its_lane_until_its_time() -> None:
    first, second = due(1), due(2)
    lanes = Lanes([first, second])
    lanes.take(NOW, 8)
    again = due(1, attempts=1, not_before=LATER)
    lanes.later(first, again)
    assert lanes.take(NOW, 8) == []
    assert lanes.next_at(probing=False) == LATER
    assert lanes.take(LATER, 8) == [again]
    assert lanes.next_at(probing=False) is None


@pytest.mark.parametrize(("how", "then"), [("retry", 1), ("skip", 2)])
def test_a_parked_lane_waits_to_be_released(how: str, then: int) -> None:
    first, second, other = due(1), due(2), due(3, "insight/2")
    lanes = Lanes([first, second, other])
    lanes.take(NOW, 8)
    lanes.park(first, due(1, attempts=10))
    lanes.done(other)
    assert (lanes.take(LATER, 8), lanes.parked, len(lanes)) == ([], 1, 2)
    restarted = Lanes([due(1, attempts=10), second], {"insight/1": Parking(0, 1)})
    for each in (lanes, restarted):
        each.add(due(4))
        each.release("insight/1", "retry" if how == "retry" else "skip")
        (next_,) = each.take(NOW, 8)
        assert (next_.sequence, next_.attempts) == (then, 0)
        assert each.parked == 0


def test_replays_come_after_what_is_due() -> None:
    replayed, other = due(1, replay=5), due(2, "insight/2", replay=5)
    lanes = Lanes([replayed, other])
    fresh = due(9)
    lanes.add(fresh)
    assert lanes.take(NOW, 8) == [fresh, other]
    lanes.done(fresh)
    assert lanes.take(NOW, 8) == [replayed]


def test_a_probe_is_of_the_oldest_lane_alone_at_its_time() -> None:
    lanes = Lanes([due(1, not_before=LATER), due(2, "insight/2")])
    assert lanes.take_probe(NOW) == []
    assert lanes.next_at(probing=True) == LATER
    (probe,) = lanes.take_probe(LATER)
    assert probe.sequence == 1
    assert lanes.take_probe(LATER) == []
    lanes.park(probe, probe)
    assert [each.sequence for each in lanes.take_probe(LATER)] == [2]


Step = tuple[str, int]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=30),
    st.lists(st.sampled_from(["done", "later", "park"]), max_size=80),
    st.integers(1, 5),
)
def test_whatever_becomes_of_them_no_lane_is_overtaken_and_nothing_is_lost(
    numbers: list[int], outcomes: list[str], room: int
) -> None:
    waiting = [due(at, f"insight/{number}") for at, number in enumerate(numbers, start=1)]
    lanes, now = Lanes(waiting), NOW
    done: list[Pending] = []
    rest = iter(outcomes)
    for _ in range(400):
        taken = lanes.take(now, room)
        assert len({each.lane for each in taken}) == len(taken) <= room
        for each in taken:
            outcome = next(rest, "done")
            if outcome == "done":
                lanes.done(each)
                done.append(each)
            elif outcome == "later":
                lanes.later(each, due(each.sequence, each.lane, not_before=LATER))
            else:
                lanes.park(each, each)
                lanes.release(each.lane, "retry")
        if not taken:
            now = LATER
        if not len(lanes):
            break
    assert sorted(each.sequence for each in done) == [each.sequence for each in waiting]
    for number in set(numbers):
        of_one = [each.sequence for each in done if each.lane == f"insight/{number}"]
        assert of_one == sorted(of_one)
    assert (lanes.busy, lanes.next_at(probing=False)) == (0, None)
