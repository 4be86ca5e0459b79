"""A project's settings as readers see them.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.events.recorded import Recorded
from contracts.read_models.project import ProjectRow


def project(row: ProjectRow | None, recorded: Recorded[ProjectEvent]) -> ProjectRow:
    """The row after one more fact. Raises ValueError unless one registration comes first."""
    event = recorded.event
    if row is None:
        if not isinstance(event, ProjectRegistered):
            raise ValueError(f"stream {recorded.stream_id} does not begin with project.registered")
        return ProjectRow(
            team_id=recorded.team_id,
            name=event.name,
            timezone=event.timezone,
            week_start_day=event.week_start_day,
            test_account_filters=event.test_account_filters,
            version=recorded.version,
        )
    return replace(_changed(row, event), version=recorded.version)


def view(history: Iterable[Recorded[ProjectEvent]]) -> ProjectRow | None:
    """None: it has its first settings, and they are not in the log."""
    return reduce(project, history, None)


def _changed(row: ProjectRow, event: ProjectEvent) -> ProjectRow:
    match event:
        case ProjectRegistered():
            raise ValueError(f"project {row.team_id} was registered twice")
        case ProjectRenamed(name=name):
            return replace(row, name=name)
        case ProjectTimezoneChanged(timezone=timezone):
            return replace(row, timezone=timezone)
        case ProjectWeekStartChanged(week_start_day=day):
            return replace(row, week_start_day=day)
        case ProjectTestAccountFiltersChanged(filters=filters):
            return replace(row, test_account_filters=filters)
        case _:
            assert_never(event)
