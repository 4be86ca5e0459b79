"""What a lifecycle and stickiness read, and what the clock decides of them."""

from datetime import UTC, datetime, timedelta

from services.common.insights.results.marks import (
    MERGES,
    PERSONS,
    of_event,
    of_groups,
    of_person,
)
from services.query.insights.lifecycle import inputs
from services.query.insights.stickiness import inputs as stickiness_inputs
from tests.trends.stories import VIEWED, counted, february, lifecycle, stickiness

DATES = february(2, 5)
VIEWS = frozenset({of_event("$pageview")})


def test_a_lifecycle_reads_the_period_before_and_when_people_were_first_seen() -> None:
    read = inputs.of_lifecycle(lifecycle(dateRange=DATES))
    assert read.events == VIEWS
    assert read.since == datetime(2024, 2, 1, tzinfo=UTC)
    assert read.records == {MERGES, PERSONS}


def test_a_group_is_first_seen_by_any_event() -> None:
    read = inputs.of_lifecycle(lifecycle(dateRange=DATES, aggregation_group_type_index=1))
    assert (read.events, read.since, read.until) == (None, None, None)
    assert read.records == {MERGES, of_groups(1)}


def test_stickiness_reads_both_ranges_and_what_its_actors_are_told_by() -> None:
    series = counted("hogql", math_hogql="person.properties.team")
    compare = {"compare": True}
    read = stickiness_inputs.of_stickiness(
        stickiness(series, dateRange=DATES, compareFilter=compare)
    )
    assert read.events == VIEWS
    assert read.since == datetime(2024, 1, 29, tzinfo=UTC)
    assert read.until == datetime(2024, 2, 6, tzinfo=UTC) - timedelta(microseconds=1)
    assert read.records == {MERGES, of_person("team")}


def test_the_people_of_a_number_have_records() -> None:
    plan = stickiness(VIEWED, dateRange=DATES)
    assert stickiness_inputs.of_people(plan, plan.series[0]).records == {MERGES, PERSONS}
    alive = lifecycle(dateRange=DATES)
    assert inputs.of_people(alive).records == {MERGES, PERSONS}


def test_the_clock_decides_when_a_period_begins() -> None:
    fixed = inputs.clock(lifecycle(dateRange=DATES))
    assert fixed == inputs.clock(lifecycle(dateRange=DATES))
    assert fixed != inputs.clock(lifecycle(dateRange=february(2, 6)))
    assert fixed != inputs.clock(lifecycle(dateRange=DATES), "dormant")
    sticky = stickiness_inputs.clock(stickiness(dateRange=DATES))
    assert sticky != stickiness_inputs.clock(stickiness(dateRange=february(2, 6)))
