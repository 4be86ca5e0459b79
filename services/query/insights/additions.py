"""Additions to answers (`include=`): the words, and those of trends, stickiness and lifecycles."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw

from contracts.queries.counted import PeriodRange
from services.query.events.periods import Span, incomplete

WARNINGS = "warnings"
"""Sentences on parts of the request without effect; every kind of query knows it."""

INCOMPLETE = "incomplete"
"""Which points will still change; and up to where in the log of captured events it was looked."""

CHANGES = "changes"
"""When the actions, cohorts and test-account filters that the query names were changed."""

LATE = "late"
"""How many events of each point arrived late, and which points differ from the kept result."""

RESULT_HASH = "result_hash"
"""A digest of the bytes of `results`: equal definition and equal position give equal bytes."""

OVER_PERIODS = frozenset({CHANGES, INCOMPLETE, LATE, RESULT_HASH})


def computed(include: tuple[str, ...]) -> tuple[str, ...]:
    """The words that change what is computed, and kept; the others are about request and answer."""
    return tuple(word for word in include if word not in (WARNINGS, RESULT_HASH))


def unknown_actions(unknown: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """A warning each. unknown: (place of the series, id of its action)."""
    return tuple(
        f"series[{place}]: there is no action {id_}, so the series has no rows."
        for place, id_ in unknown
    )


def growing(include: Sequence[str], span: Span, now: datetime) -> object:
    """The part of the clock that an answer with `INCOMPLETE` depends on; nothing without."""
    return incomplete(span, now) if INCOMPLETE in include else None


def zone_of(dates: PeriodRange | None) -> Mapping[str, Raw]:
    """The answer's `timezone`, where the query names its own."""
    if dates is None or dates.timezone is None:
        return {}
    return {"timezone": Raw(msgspec.json.encode(dates.timezone))}
