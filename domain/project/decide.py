"""Decides a command on a project's settings: its facts."""

from typing import assert_never

from msgspec import UNSET

from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.json import same
from contracts.read_models.project import ProjectRow
from domain.project.commands import ChangeProject, ProjectCommand, RegisterProject


def decide(command: ProjectCommand, project: ProjectRow | None) -> list[ProjectEvent]:
    """Facts that follow; none when nothing would change. project: None before its first fact.

    Registering it again changes nothing.
    """
    match command:
        case RegisterProject(made=made):
            return [made] if project is None else []
        case ChangeProject(made=made):
            facts = _changes(command, made if project is None else project)
            return [made, *facts] if facts and project is None else facts
        case _:
            assert_never(command)


def _changes(command: ChangeProject, project: ProjectRow | ProjectRegistered) -> list[ProjectEvent]:
    facts: list[ProjectEvent] = []
    if command.name is not UNSET and command.name != project.name:
        facts.append(ProjectRenamed(command.name, project.name))
    if command.timezone is not UNSET and command.timezone != project.timezone:
        facts.append(ProjectTimezoneChanged(command.timezone, project.timezone))
    start, filters = command.week_start_day, command.test_account_filters
    if start is not UNSET and start != project.week_start_day:
        facts.append(ProjectWeekStartChanged(start, project.week_start_day))
    if filters is not UNSET and not same(filters, project.test_account_filters):
        facts.append(ProjectTestAccountFiltersChanged(filters, project.test_account_filters))
    return facts
