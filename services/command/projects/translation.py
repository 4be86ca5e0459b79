"""From the body of a write to the command on a project's settings."""

from zoneinfo import available_timezones

import msgspec
from msgspec import UNSET, Raw

from contracts.api.accounts import WriteProject
from contracts.events.project import ProjectEvent, ProjectRegistered
from contracts.read_models.project import ProjectRow
from domain.project.changes import changes
from domain.project.commands import ChangeProject, ProjectCommand
from domain.project.decide import decide
from domain.project.view import view
from services.command.change_lines import lines_since
from services.command.handle import Rules
from services.common.accounts.accounts import Project
from services.common.http.problems import not_a_choice, required


def checked(sent: WriteProject) -> WriteProject:
    """Raises Rejected 400 for a timezone that is none."""
    if sent.timezone is not UNSET and sent.timezone not in available_timezones():
        raise not_a_choice("timezone", sent.timezone)
    return sent


def name_of(sent: WriteProject) -> str:
    """A new project's. Raises Rejected 400 without one."""
    if sent.name is UNSET:
        raise required("name")
    return sent.name


def change_command(sent: WriteProject, project: Project) -> ChangeProject:
    """PATCH: what is not named stays."""
    filters = sent.test_account_filters
    return ChangeProject(
        made=registered(project),
        name=sent.name,
        timezone=sent.timezone,
        week_start_day=sent.week_start_day,
        test_account_filters=UNSET if filters is UNSET else as_json(filters),
    )


def registered(project: Project) -> ProjectRegistered:
    """The settings that the project was made with, for a project without a history; later it is not
    read.
    """
    return ProjectRegistered(
        name=project.name,
        timezone=project.timezone,
        week_start_day=1 if project.week_start_day else 0,
        test_account_filters=as_json(project.test_account_filters),
    )


def as_json(filters: object) -> Raw:
    return Raw(msgspec.json.encode(filters))


RULES: Rules[ProjectRow | None, ProjectCommand, ProjectEvent] = Rules(
    decide, view, lines_since(changes)
)
