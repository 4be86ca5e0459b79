"""The zone that a query counts days in: its project's, or the one that its range names."""

from functools import lru_cache
from zoneinfo import available_timezones

import msgspec

from contracts.queries.counted import PeriodRange
from contracts.queries.errors import invalid_input
from services.query.events.facts import PlanningFacts

_OF_THE_MACHINE = frozenset({"localtime"})
"""What Python finds beside the zones that the engine knows too."""


def in_zone(facts: PlanningFacts, dates: PeriodRange | None) -> PlanningFacts:
    """The facts as they would be if the project were in the zone of the query.

    Raises InvalidQuery for a zone that nobody knows.
    """
    named = None if dates is None else dates.timezone
    if named is None:
        return facts
    if named not in _zones():
        raise invalid_input("dateRange__timezone", f"There is no time zone {named[:100]}.")
    return msgspec.structs.replace(facts, timezone=named)


@lru_cache
def _zones() -> frozenset[str]:
    """Looked up once: their names are the names of files."""
    return frozenset(available_timezones()) - _OF_THE_MACHINE
