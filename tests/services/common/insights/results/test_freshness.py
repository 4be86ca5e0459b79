"""The table of refresh modes, row by row, and how old a result may be."""

from datetime import UTC, datetime, timedelta

import pytest

from services.common.insights.results.freshness import (
    Age,
    Decision,
    Refresh,
    ResultAge,
    Run,
    age_of,
    decide,
    for_shared_viewer,
    may_refresh,
    next_refresh,
    parse_refresh,
    target_age,
)

NOTHING = Decision(Run.NO, show_cached=False)
SHOW = Decision(Run.NO, show_cached=True)
WAIT = Decision(Run.WAIT, show_cached=False)
START = Decision(Run.START, show_cached=False)
SHOW_AND_START = Decision(Run.START, show_cached=True)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("mode", "missing", "fresh", "stale", "lazy"),
    [
        ("force_cache", NOTHING, SHOW, SHOW, SHOW),
        ("", NOTHING, SHOW, SHOW, SHOW),
        ("nonsense", NOTHING, SHOW, SHOW, SHOW),
        ("blocking", WAIT, SHOW, WAIT, WAIT),
        ("async", START, SHOW, SHOW_AND_START, SHOW_AND_START),
        ("async_except_on_cache_miss", WAIT, SHOW, SHOW_AND_START, SHOW_AND_START),
        ("lazy_async", START, SHOW, SHOW, SHOW_AND_START),
        ("force_async", START, START, START, START),
        ("force_blocking", WAIT, WAIT, WAIT, WAIT),
        ("true", WAIT, WAIT, WAIT, WAIT),
    ],
)
def test_each_mode_does_as_the_table_says(
    mode: str, missing: Decision, fresh: Decision, stale: Decision, lazy: Decision
) -> None:
    refresh = parse_refresh(mode)
    decided = [decide(refresh, age, may_refresh=True) for age in Age]
    assert decided == [missing, fresh, stale, lazy]


@pytest.mark.parametrize(
    ("mode", "plain"),
    [(Refresh.FORCE_ASYNC, Refresh.ASYNC), (Refresh.FORCE_BLOCKING, Refresh.BLOCKING)],
)
def test_a_client_that_forces_too_soon_gets_what_who_does_not_force_would_get(
    mode: Refresh, plain: Refresh
) -> None:
    assert decide(mode, Age.FRESH, may_refresh=False) == SHOW
    for age in (Age.FRESH, Age.STALE, Age.LAZY):
        assert decide(mode, age, may_refresh=False) == decide(plain, age, may_refresh=True)
    assert decide(mode, Age.MISSING, may_refresh=False).run is not Run.NO


def test_shared_viewers_force_nothing() -> None:
    lowered = {for_shared_viewer(mode) for mode in Refresh}
    assert lowered == {Refresh.FORCE_CACHE, Refresh.BLOCKING, Refresh.ASYNC, Refresh.LAZY_ASYNC}


def computed(
    interval: str | None = "day",
    *,
    ago: timedelta = timedelta(0),
    cost_seconds: float = 0.0,
    is_current: bool = False,
) -> ResultAge:
    """ago: since its computation began; it ended when it had cost what it cost."""
    started_at = NOW - ago
    return ResultAge(
        started_at=started_at,
        last_refresh=started_at + timedelta(seconds=cost_seconds),
        interval=interval,
        cost_seconds=cost_seconds,
        is_current=is_current,
    )


@pytest.mark.parametrize(
    ("interval", "target", "lazy"),
    [
        (None, timedelta(hours=6), timedelta(hours=12)),
        ("day", timedelta(hours=6), timedelta(hours=12)),
        ("minute", timedelta(minutes=5), timedelta(minutes=15)),
        ("hour", timedelta(hours=1), timedelta(hours=2)),
        ("week", timedelta(days=1), timedelta(days=1)),
        ("month", timedelta(days=1), timedelta(days=1)),
    ],
)
def test_results_that_moved_age_by_their_interval(
    interval: str | None, target: timedelta, lazy: timedelta
) -> None:
    assert target_age(computed(interval)) == NOW + target
    assert age_of(computed(interval, ago=lazy - MOMENT), NOW) is Age.STALE
    assert age_of(computed(interval, ago=lazy), NOW) is Age.LAZY


def test_a_current_result_is_fresh_at_any_age() -> None:
    year = computed(ago=timedelta(days=365), is_current=True)
    assert age_of(year, NOW) is Age.FRESH
    assert age_of(year, NOW, current_only=True) is Age.FRESH


@pytest.mark.parametrize(("cost_seconds", "recent_for"), [(0.0, 2), (0.1, 2), (0.2, 2), (3.0, 30)])
def test_a_result_is_recent_for_ten_times_its_cost_and_two_seconds_at_least(
    cost_seconds: float, recent_for: int
) -> None:
    until = timedelta(seconds=recent_for)
    young = computed(ago=until - MOMENT, cost_seconds=cost_seconds)
    assert age_of(young, NOW) is Age.FRESH
    assert age_of(computed(ago=until, cost_seconds=cost_seconds), NOW) is Age.STALE
    assert age_of(young, NOW, current_only=True) is Age.STALE


@pytest.mark.parametrize("is_current", [False, True])
def test_a_result_of_a_clock_that_was_ahead_is_neither_fresh_nor_spared(is_current: bool) -> None:
    ahead = computed(ago=-timedelta(days=700), is_current=is_current)
    assert age_of(ahead, NOW) is Age.LAZY
    assert may_refresh(ahead, NOW)
    assert next_refresh(ahead, NOW) == NOW


@pytest.mark.parametrize(("interval", "minutes"), [("day", 3), ("minute", 1)])
def test_a_client_may_ask_again_after_three_minutes_or_one(interval: str, minutes: int) -> None:
    kept = computed(interval)
    assert next_refresh(kept, NOW) == NOW + timedelta(minutes=minutes)
    assert not may_refresh(kept, NOW + timedelta(minutes=minutes) - MOMENT)
    assert may_refresh(kept, NOW + timedelta(minutes=minutes))
