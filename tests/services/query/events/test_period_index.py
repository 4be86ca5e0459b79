"""The engine finds every event's period, in days without a midnight and days that never were."""

from datetime import timedelta
from random import Random
from typing import get_args

import pytest

from contracts.queries.counted import PeriodRange
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.dates import Calendar
from services.query.events.oracle.points import in_range, period_of
from services.query.events.period_index import period_index
from services.query.events.periods import Interval, Span, span_of
from services.query.events.source import Source
from tests.services.query.conftest import Events, event
from tests.trends.worlds import make_place, make_world


def index_of_each(events: Events, team: int, span: Span) -> list[int]:
    bindings = Bindings()
    source = Source(team, bindings, period=(span.date_from, span.date_to), timezone=span.timezone)
    text = f"SELECT {period_index(source, span)} {source.from_clause()} WHERE {source.scope()}"
    rows = events.query(Statement(f"{text} ORDER BY e.timestamp", bindings.values))
    return [row[0] for row in rows]


@pytest.mark.parametrize("interval", get_args(Interval))
def test_an_event_is_in_the_period_that_holds_it(events: Events, interval: Interval) -> None:
    random = Random(interval)
    seen = 0
    for _ in range(40):
        place = make_place(random)
        calendar = Calendar(
            now=place.midnight(place.last),
            timezone=place.zone,
            week_starts_monday=place.week_starts_monday,
            first_event_at=None,
        )
        world = sorted(make_world(random, place).events, key=lambda one: one.at)
        asked = PeriodRange(date_from=place.first.isoformat(), date_to=place.last.isoformat())
        if interval in ("second", "minute") and world:
            about = random.choice(world).at
            since, until = about - timedelta(minutes=30), about + timedelta(minutes=30)
            asked = PeriodRange(date_from=since.isoformat(), date_to=until.isoformat())
        elif interval in ("second", "minute"):
            continue
        span = span_of(asked, interval, calendar)
        happened = [one for one in world if in_range(span, one)]
        team = events.team()
        if happened:
            events.insert("events", [event(team, one.event, timestamp=one.at) for one in happened])
            seen += len(happened)
        expected = [period_of(span, one.at) for one in happened]
        assert index_of_each(events, team, span) == expected, (place, span)
    assert seen > 30
