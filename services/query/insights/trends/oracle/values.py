"""How rows are told apart: the breakdown values of events, and their bins: trends.md section 8."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from services.query.events.oracle.expressions import number
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.insights.trends.plan import NULL, ByCohort, ByProperty, RowKey

Value = tuple[str, ...]
"""One text per key; of a cohort its id as text, "all" for everybody."""

MOST_CHARACTERS = 400


def by_value(
    breakdown: ByProperty | ByCohort, events: Sequence[Event], reading: Reading
) -> dict[Value, list[Event]]:
    """events: all that count for a series and side. A value "has a row if an event that counts has
    it"; an event may be in the rows of several cohorts.
    """
    if isinstance(breakdown, ByCohort):
        return _by_cohort(breakdown, events, reading)
    columns = [_texts(key, events, reading) for key in breakdown.keys]
    found: dict[Value, list[Event]] = defaultdict(list)
    for place, event in enumerate(events):
        found[tuple(column[place] for column in columns)].append(event)
    return dict(found)


def _by_cohort(
    breakdown: ByCohort, events: Sequence[Event], reading: Reading
) -> dict[Value, list[Event]]:
    found: dict[Value, list[Event]] = {}
    for cohort, _ in breakdown.cohorts:
        if cohort == 0:
            found["all",] = list(events)
        else:
            members: frozenset[UUID] = reading.members(cohort)
            found[str(cohort),] = [e for e in events if reading.world.person(e) in members]
    return {value: of_cohort for value, of_cohort in found.items() if of_cohort}


def _texts(key: RowKey, events: Sequence[Event], reading: Reading) -> list[str]:
    """The key's value of each event."""
    texts = [reading.key_text(key.read, event) for event in events]
    if key.bins is not None:
        return _bins(key.bins, [number(text) for text in texts])
    return [_shown(key, text) for text in texts]


def _shown(key: RowKey, text: str | None) -> str:
    """ "null, missing and "" are one value" """
    if not text:
        return NULL
    if key.normalize_url:
        # "trailing `/`, `?`, `#` cut off, all gone → "/" "
        text = text.rstrip("/?#") or "/"
    return text[:MOST_CHARACTERS]


def _bins(bins: int, numbers: Sequence[float | None]) -> list[str]:
    """ "n equal parts of min…max; value `[a,b]` …, a ≤ x < b; the last one's b is 0.01 more, to
    hold the maximum. No number: null value; min = max: the one bin `[min,min+0.01]`"
    """
    told = [one for one in numbers if one is not None]
    if not told:
        return [NULL] * len(numbers)
    low, high = min(told), max(told)
    parts = bins if low < high else 1
    edges = [low + (high - low) * part / parts for part in range(parts)]
    edges.append(max(high + 0.01, math.nextafter(high, math.inf)))
    return [NULL if one is None else _bin(edges, one) for one in numbers]


def _bin(edges: Sequence[float], x: float) -> str:
    for a, b in pairwise(edges):
        if a <= x < b:
            return f"[{_plain(a)},{_plain(b)}]"
    raise AssertionError(f"{x} is in no bin of {edges}")


def _plain(x: float) -> str:
    return str(int(x)) if x == int(x) and abs(x) < 2**53 else repr(x)
