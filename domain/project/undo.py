"""Takes an operation on a project's settings back."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

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
from contracts.events.streams import Stream
from domain.history.judge import Judge, Touch
from domain.history.placed import place
from domain.history.undoing import Undoing, UndoTerms
from domain.project.commands import ChangeProject
from domain.project.view import project


def undo(
    stream: Stream[ProjectEvent],
    operation_id: UUID,
    past: Sequence[Recorded[ProjectEvent]],
    terms: UndoTerms,
) -> Undoing[ChangeProject]:
    """Where the first change brought the registration along, which only says what was there, the
    change alone is taken back.
    """
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    if placed.before is None:
        first, *changes = placed.facts
        facts = tuple(changes) or placed.facts
        placed = replace(placed, facts=facts, before=project(None, first))
    judge = Judge(stream, placed, terms, touch)
    back: dict[str, Any] = {field: judge.plain(field) for field in judge.fields}
    return judge.undoing(ChangeProject(made=_made(past), **back))


def touch(event: ProjectEvent) -> Touch:
    match event:
        case ProjectRegistered():
            return Touch(None, "A project stays registered.")
        case ProjectRenamed():
            return Touch("name")
        case ProjectTimezoneChanged():
            return Touch("timezone")
        case ProjectWeekStartChanged():
            return Touch("week_start_day")
        case ProjectTestAccountFiltersChanged():
            return Touch("test_account_filters")
        case _:
            assert_never(event)


def _made(past: Sequence[Recorded[ProjectEvent]]) -> ProjectRegistered:
    first = past[0].event
    if not isinstance(first, ProjectRegistered):
        raise ValueError(f"stream {past[0].stream_id} does not begin with project.registered")
    return first
