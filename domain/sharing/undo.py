"""Takes an operation on an insight's sharing back."""

from collections.abc import Sequence
from functools import partial
from typing import Any, assert_never
from uuid import UUID

from msgspec.structs import replace

from contracts.events.recorded import Recorded
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.streams import Stream
from contracts.read_models.sharing import SharingRow
from domain.history.judge import Judge, Touch
from domain.history.placed import Placed, place
from domain.history.undoing import Undoing, UndoTerms, UndoWarning
from domain.sharing.commands import ChangeSharing, RemoveSharePassword
from domain.sharing.view import project

_PASSWORDS = "share_passwords"


def undo(
    stream: Stream[SharingEvent],
    operation_id: UUID,
    past: Sequence[Recorded[SharingEvent]],
    terms: UndoTerms,
) -> Undoing[ChangeSharing | RemoveSharePassword]:
    """Switching it on again makes a new token, and the outcome warns of it."""
    placed = place(operation_id, past, project)
    if placed is None:
        return Undoing()
    if placed.before is None:
        never = SharingRow(team_id=stream.team_id, insight_id=stream.number)
        placed = replace(placed, before=never)
    judge = Judge(stream, placed, terms, touch)
    back: dict[str, Any] = {}
    for field in judge.fields:
        if field == "enabled":
            back[field] = judge.plain(field, code="changed" if _is_another(placed, terms) else None)
        elif field != _PASSWORDS:
            back[field] = judge.plain(field)
    commands: list[ChangeSharing | RemoveSharePassword] = [
        ChangeSharing(insight_id=stream.number, token_id=terms.token_id, **back)
    ]
    if _PASSWORDS in judge.fields:
        commands += _removals(judge, placed)
    undoing = judge.undoing(*commands)
    if back.get("enabled") is True:
        return replace(undoing, warnings=(_new_token(stream, terms),))
    return undoing


def needs_token(past: Sequence[Recorded[SharingEvent]], operation_id: UUID) -> bool:
    """Whether undoing it may switch sharing on, under a token that has to be there before."""
    return any(
        fact.operation_id == operation_id and isinstance(fact.event, SharingDisabled)
        for fact in past
    )


def touch(event: SharingEvent) -> Touch:
    match event:
        case SharingEnabled() | SharingDisabled():
            return Touch("enabled")
        case SharingSettingsChanged():
            return Touch("settings")
        case SharingPasswordRequired() | SharingPasswordNotRequired():
            return Touch("password_required")
        case SharePasswordAdded():
            return Touch(_PASSWORDS)
        case SharePasswordRemoved():
            return Touch(_PASSWORDS, "The password is gone for good.")
        case AccessTokenRotated():
            return Touch("access_token", "The old address is gone for good.")
        case _:
            assert_never(event)


def _is_another(placed: Placed[SharingRow, SharingEvent], terms: UndoTerms) -> bool:
    """Whether what the operation switched on was switched off and on since: it is somebody else's
    share now, under another address. One that this undo itself has just switched on is nobody's.
    """
    was_off = any(not each.row.enabled for each in placed.since)
    return placed.after.enabled and was_off and placed.now.token_id != terms.token_id


def _removals(
    judge: Judge[SharingRow, SharingEvent], placed: Placed[SharingRow, SharingEvent]
) -> list[RemoveSharePassword]:
    """Of the passwords that the operation added and that are still there."""
    added = [fact.event for fact in placed.facts if isinstance(fact.event, SharePasswordAdded)]
    return [
        RemoveSharePassword(insight_id=event.insight_id, password_id=event.password_id)
        for event in added
        if judge.plain(_PASSWORDS, partial(_has, event.password_id), f"/{event.password_id}")
        is False
    ]


def _has(password_id: int, sharing: SharingRow) -> bool:
    return any(password.id == password_id for password in sharing.passwords)


def _new_token(stream: Stream[SharingEvent], terms: UndoTerms) -> UndoWarning:
    return UndoWarning(
        code="new_token", kind=stream.kind.value, number=stream.number, token_id=terms.token_id
    )
