"""The changes that each fact of a project's settings makes."""

from typing import assert_never

from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.read_models.activity import Change
from domain.changes import change


def changes(event: ProjectEvent) -> list[Change]:
    """The fact's changes, by the names the fields have on the wire; none for the first one."""
    match event:
        case ProjectRegistered():
            return []
        case ProjectRenamed():
            return [_change("name", event.previous, event.name)]
        case ProjectTimezoneChanged():
            return [_change("timezone", event.previous, event.timezone)]
        case ProjectWeekStartChanged():
            return [_change("week_start_day", event.previous, event.week_start_day)]
        case ProjectTestAccountFiltersChanged():
            return [_change("test_account_filters", event.previous, event.filters)]
        case _:
            assert_never(event)


def _change(field: str, before: object, after: object) -> Change:
    return change(field, before, after, "Project")
