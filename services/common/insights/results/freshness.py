"""The age of results, and the decision of each refresh mode on it (insights-api.md, Results)."""

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
    """A cached result's. FRESH: current, or recent. LAZY: stale beyond the lazy age too."""

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

    may_refresh: see the function of this name; without it a force_* is taken as its plain mode, so
    that a forced read never shows an older number than another read.
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
            begin, plain = (
                (Run.START, Refresh.ASYNC)
                if mode is Refresh.FORCE_ASYNC
                else (Run.WAIT, Refresh.BLOCKING)
            )
            if cached and not may_refresh:
                return decide(plain, age, may_refresh=False)
            return Decision(begin, show_cached=False)
        case _:
            assert_never(mode)
    return Decision(run, show_cached=cached and run is not Run.WAIT)


# By the query's interval: what `cache_target_age` tells, and the lazy age.
_AGES: dict[str | None, tuple[timedelta, timedelta]] = {
    "minute": (timedelta(minutes=5), timedelta(minutes=15)),
    "hour": (timedelta(hours=1), timedelta(hours=2)),
    "day": (timedelta(hours=6), timedelta(hours=12)),
    "week": (timedelta(days=1), timedelta(days=1)),
    "month": (timedelta(days=1), timedelta(days=1)),
}
RECENT_AT_LEAST = timedelta(seconds=2)
RECENT_TIMES_COST = 10


class ResultAge(msgspec.Struct, frozen=True, kw_only=True):
    """When a result was computed, and whether it still is what would be computed.

    started_at, last_refresh: when its computation began, and ended, by the database's clock.
    cost_seconds: how long it took, by no clock that anybody sets.
    is_current: nothing that it reads has arrived or changed since.
    """

    started_at: datetime
    last_refresh: datetime
    interval: str | None
    cost_seconds: float = 0.0
    is_current: bool = False

    def is_ahead(self, now: datetime) -> bool:
        """Of a clock that was ahead, and was set right: its age tells nothing."""
        return self.last_refresh > now


def target_age(result: ResultAge) -> datetime:
    """`cache_target_age`: PostHog's staleness, told for clients that read it."""
    return result.last_refresh + _ages(result.interval)[0]


def next_refresh(result: ResultAge, now: datetime) -> datetime:
    """`next_allowed_client_refresh`."""
    minutes = 1 if result.interval == "minute" else 3
    return now if result.is_ahead(now) else result.last_refresh + timedelta(minutes=minutes)


def may_refresh(result: ResultAge, now: datetime) -> bool:
    return now >= next_refresh(result, now)


def age_of(result: ResultAge | None, now: datetime, *, current_only: bool = False) -> Age:
    """now: by the database's clock. current_only: being recent is not enough.

    Recent is counted from the start: so no number is older than that, and a query that is asked
    for all the time is computed for a tenth of the time.
    """
    if result is None:
        return Age.MISSING
    if result.is_ahead(now):
        return Age.LAZY
    if result.is_current or (not current_only and _is_recent(result, now)):
        return Age.FRESH
    lazy = _ages(result.interval)[1]
    return Age.STALE if now < result.last_refresh + lazy else Age.LAZY


def _is_recent(result: ResultAge, now: datetime) -> bool:
    cost = timedelta(seconds=result.cost_seconds)
    return now < result.started_at + max(RECENT_AT_LEAST, RECENT_TIMES_COST * cost)


def _ages(interval: str | None) -> tuple[timedelta, timedelta]:
    return _AGES.get(interval, _AGES["day"])
