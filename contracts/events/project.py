"""Facts of a project's settings. Each change records both sides.

A project itself is a row of a plain table, with the settings it was made with.
`test_account_filters` is a JSON list, as it was sent.
"""

from typing import Literal

from msgspec import Raw

from contracts.events.fact import Fact

WeekStart = Literal[0, 1]
"""0 Sunday, 1 Monday."""


class ProjectRegistered(Fact, frozen=True, tag="project.registered.v1"):
    """The settings it was made with: its first fact, at the latest beside its first change."""

    name: str
    timezone: str
    week_start_day: WeekStart
    test_account_filters: Raw


class ProjectRenamed(Fact, frozen=True, tag="project.renamed.v1"):
    name: str
    previous: str


class ProjectTimezoneChanged(Fact, frozen=True, tag="project.timezone_changed.v1"):
    """From now on days begin elsewhere, in results of the past too."""

    timezone: str
    previous: str


class ProjectWeekStartChanged(Fact, frozen=True, tag="project.week_start_changed.v1"):
    week_start_day: WeekStart
    previous: WeekStart


class ProjectTestAccountFiltersChanged(
    Fact, frozen=True, tag="project.test_account_filters_changed.v1"
):
    filters: Raw
    previous: Raw


ProjectEvent = (
    ProjectRegistered
    | ProjectRenamed
    | ProjectTimezoneChanged
    | ProjectWeekStartChanged
    | ProjectTestAccountFiltersChanged
)
