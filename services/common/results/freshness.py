"""How old a result may be, and what each refresh mode does with it (insights-api.md, Results)."""

from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import assert_never

import msgspec


class Refresh(StrEnum):
    FORCE_CACHE = "force_cache"
    BLOCKING = "blocking"
    ASYNC = "async"
    ASYNC_EXCEPT_ON_CACHE_MISS = "async_except_on_cache_miss"
    LAZY_ASYNC = "lazy_async"
    FORCE_ASYNC = "force_async"
    FORCE_BLOCKING = "force_blocking"


def parse_refresh(text: str | bool | None) -> Refresh:
    """`true` is force_blocking; unknown, empty and absent are force_cache."""
    if text is True:
        return Refresh.FORCE_BLOCKING
    if not text:
        return Refresh.FORCE_CACHE
    word = text.strip().lower()
    if word in ("true", "1"):
        return Refresh.FORCE_BLOCKING
    try:
        return Refresh(word)
    except ValueError:
        return Refresh.FORCE_CACHE


def for_shared_viewer(mode: Refresh) -> Refresh:
    """A shared viewer never forces a computation: the cache, and a computation when it is stale."""
    match mode:
        case Refresh.FORCE_BLOCKING | Refresh.BLOCKING | Refresh.ASYNC_EXCEPT_ON_CACHE_MISS:
            return Refresh.BLOCKING
        case Refresh.FORCE_ASYNC | Refresh.ASYNC:
            return Refresh.ASYNC
        case Refresh.LAZY_ASYNC | Refresh.FORCE_CACHE:
            return mode
        case _:
            assert_never(mode)


class Age(Enum):
    """A cached result's. LAZY: stale beyond the lazy age too."""

    MISSING = 0
    FRESH = 1
    STALE = 2
    LAZY = 3


class Run(Enum):
    """NO: none. WAIT: compute and answer with it. START: a job, and answer without it."""

    NO = 0
    WAIT = 1
    START = 2


class Decision(msgspec.Struct, frozen=True):
    """show_cached: whether the answer carries what is in the cache."""

    run: Run
    show_cached: bool


def decide(mode: Refresh, age: Age, *, may_refresh: bool) -> Decision:
    """The table of the specification.

    may_refresh: next_allowed_client_refresh has passed; before it a force_* shows the cache.
    """
    cached = age is not Age.MISSING
    match mode:
        case Refresh.FORCE_CACHE:
            run = Run.NO
        case Refresh.BLOCKING:
            run = Run.NO if age is Age.FRESH else Run.WAIT
        case Refresh.ASYNC:
            run = Run.NO if age is Age.FRESH else Run.START
        case Refresh.ASYNC_EXCEPT_ON_CACHE_MISS:
            run = Run.WAIT if not cached else Run.NO if age is Age.FRESH else Run.START
        case Refresh.LAZY_ASYNC:
            run = Run.START if age in (Age.MISSING, Age.LAZY) else Run.NO
        case Refresh.FORCE_ASYNC | Refresh.FORCE_BLOCKING:
            if cached and not may_refresh:
                return Decision(Run.NO, show_cached=True)
            run = Run.START if mode is Refresh.FORCE_ASYNC else Run.WAIT
            return Decision(run, show_cached=False)
        case _:
            assert_never(mode)
    return Decision(run, show_cached=cached and run is not Run.WAIT)


# Staleness by the query's interval: the default, and the lazy one.
_STALE: dict[str | None, tuple[timedelta, timedelta]] = {
    "minute": (timedelta(minutes=5), timedelta(minutes=15)),
    "hour": (timedelta(hours=1), timedelta(hours=2)),
    "day": (timedelta(hours=6), timedelta(hours=12)),
    "week": (timedelta(days=1), timedelta(days=1)),
    "month": (timedelta(days=1), timedelta(days=1)),
}
_SPARE = timedelta(seconds=10)


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """When a result was computed, and over what.

    moved: events in its range, or who is who, have changed since.
    late: events arrived for a month that was over when it was computed.
    outdated: what its numbers hang on besides the events has changed since.
    """

    last_refresh: datetime
    interval: str | None
    date_to: datetime | None
    moved: bool = False
    late: bool = False
    outdated: bool = False


def target_age(result: Computed) -> datetime:
    """`cache_target_age`: from then on it is stale."""
    return result.last_refresh + _ages(result.interval)[0]


def next_refresh(result: Computed) -> datetime:
    """`next_allowed_client_refresh`."""
    minutes = 1 if result.interval == "minute" else 3
    return result.last_refresh + timedelta(minutes=minutes)


def age_of(result: Computed | None, now: datetime) -> Age:
    """A result whose data can't change any more is never stale, as long as it did not change.

    Live events move the present month all the time, so they only let its results age; what arrives
    for a month that was over is news, and makes them stale at once.
    """
    if result is None:
        return Age.MISSING
    if result.outdated or result.late:
        return Age.LAZY
    over = result.date_to is not None and result.date_to < result.last_refresh - _SPARE
    if over and not result.moved:
        return Age.FRESH
    stale, lazy = _ages(result.interval)
    if now < result.last_refresh + stale:
        return Age.FRESH
    return Age.STALE if now < result.last_refresh + lazy else Age.LAZY


def _ages(interval: str | None) -> tuple[timedelta, timedelta]:
    return _STALE.get(interval, _STALE["day"])
