"""The table of refresh modes, row by row, and how old a result may be."""

from datetime import UTC, datetime, timedelta

import pytest

from services.common.results.freshness import (
    Age,
    Computed,
    Decision,
    Refresh,
    Run,
    age_of,
    decide,
    for_shared_viewer,
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


@pytest.mark.parametrize("mode", [Refresh.FORCE_ASYNC, Refresh.FORCE_BLOCKING])
def test_a_client_that_forces_too_soon_gets_the_cache(mode: Refresh) -> None:
    assert decide(mode, Age.STALE, may_refresh=False) == SHOW
    assert decide(mode, Age.MISSING, may_refresh=False).run is not Run.NO


def test_shared_viewers_force_nothing() -> None:
    lowered = {for_shared_viewer(mode) for mode in Refresh}
    assert lowered == {Refresh.FORCE_CACHE, Refresh.BLOCKING, Refresh.ASYNC, Refresh.LAZY_ASYNC}


def computed(interval: str | None = "day", ago: timedelta = timedelta(0)) -> Computed:
    at = NOW - ago
    return Computed(last_refresh=at, interval=interval, date_to=NOW)


@pytest.mark.parametrize(
    ("interval", "stale", "lazy"),
    [
        (None, timedelta(hours=6), timedelta(hours=12)),
        ("day", timedelta(hours=6), timedelta(hours=12)),
        ("minute", timedelta(minutes=5), timedelta(minutes=15)),
        ("hour", timedelta(hours=1), timedelta(hours=2)),
        ("week", timedelta(days=1), timedelta(days=1)),
        ("month", timedelta(days=1), timedelta(days=1)),
    ],
)
def test_results_age_by_their_interval(
    interval: str | None, stale: timedelta, lazy: timedelta
) -> None:
    moment = timedelta(microseconds=1)
    assert target_age(computed(interval)) == NOW + stale
    assert age_of(computed(interval, stale - moment), NOW) is Age.FRESH
    assert age_of(computed(interval, lazy), NOW) is Age.LAZY
    if stale < lazy:
        assert age_of(computed(interval, stale), NOW) is Age.STALE


def past(*, moved: bool = False, late: bool = False, outdated: bool = False) -> Computed:
    """A result of last year about the year before."""
    at = NOW - timedelta(days=365)
    return Computed(
        last_refresh=at,
        interval="day",
        date_to=at - timedelta(seconds=11),
        moved=moved,
        late=late,
        outdated=outdated,
    )


def test_what_cannot_change_is_never_stale() -> None:
    assert age_of(past(), NOW) is Age.FRESH


def test_what_did_change_all_the_same_ages_like_any_other() -> None:
    changed = past(moved=True)
    assert age_of(changed, NOW) is Age.LAZY
    assert age_of(changed, changed.last_refresh + timedelta(hours=1)) is Age.FRESH


def test_late_events_and_changed_settings_make_it_stale_at_once() -> None:
    for changed in (past(moved=True, late=True), past(outdated=True)):
        assert age_of(changed, changed.last_refresh) is Age.LAZY


def test_a_client_may_ask_again_after_three_minutes_or_one() -> None:
    assert next_refresh(computed("day")) == NOW + timedelta(minutes=3)
    assert next_refresh(computed("minute")) == NOW + timedelta(minutes=1)
