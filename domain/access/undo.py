"""Takes an operation on access rules back."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from contracts.events.access import AccessEvent, Grantee, Level
from contracts.events.recorded import Recorded
from contracts.events.streams import Stream
from contracts.read_models.access import AccessRow
from domain.access.commands import SetAccess
from domain.access.view import project
from domain.history.judge import Judge, Touch
from domain.history.placed import place
from domain.history.undoing import Undoing, UndoTerms

_LEVEL = "access_level"


def undo(
    stream: Stream[AccessEvent],
    operation_id: UUID,
    past: Sequence[Recorded[AccessEvent]],
    terms: UndoTerms,
) -> Undoing[SetAccess]:
    """Each rule is a place of its own, by its member; everybody's is the whole."""
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    if placed.before is None:
        before = AccessRow(team_id=stream.team_id, insight_id=stream.number)
        placed = replace(placed, before=before)
    judge = Judge(stream, placed, terms, touch)
    insight_id = placed.facts[0].event.insight_id
    back: list[SetAccess] = []
    for grantee in {_user(fact.event): fact.event.grantee for fact in placed.facts}.values():
        path = None if grantee is None else f"/{grantee.member_id}"
        found = judge.plain(_LEVEL, partial(_level, grantee), path) if judge.fields else UNSET
        if found is not UNSET:
            back.append(SetAccess(insight_id=insight_id, grantee=grantee, level=found))
    return judge.undoing(*back)


def touch(_: AccessEvent) -> Touch:
    return Touch(_LEVEL)


def _level(grantee: Grantee | None, access: AccessRow) -> Level | None:
    rule = access.rule_of(grantee)
    return rule.level if rule else None


def _user(event: AccessEvent) -> int | None:
    return event.grantee.user_id if event.grantee else None
