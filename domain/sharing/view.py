"""The sharing configuration as readers see it.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from typing import assert_never

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
from contracts.read_models.sharing import GraceToken, PasswordRow, SharingRow


def project(row: SharingRow | None, recorded: Recorded[SharingEvent]) -> SharingRow:
    """The row after one more fact."""
    event = recorded.event
    before = row or SharingRow(team_id=recorded.team_id, insight_id=event.insight_id)
    return replace(_changed(before, event, recorded), version=recorded.version)


def view(history: Iterable[Recorded[SharingEvent]]) -> SharingRow | None:
    """None: never shared."""
    return reduce(project, history, None)


def _changed(row: SharingRow, event: SharingEvent, recorded: Recorded[SharingEvent]) -> SharingRow:
    match event:
        case SharingEnabled(token_id=token_id):
            # Every earlier token is dead, those in their grace too.
            return replace(
                row,
                enabled=True,
                created_at=row.created_at or recorded.at,
                token_id=token_id,
                grace=(),
            )
        case SharingDisabled():
            return replace(row, enabled=False, token_id=None, grace=())
        case SharingSettingsChanged(settings=settings):
            return replace(row, settings=settings)
        case SharingPasswordRequired():
            return replace(row, password_required=True)
        case SharingPasswordNotRequired():
            return replace(row, password_required=False)
        case AccessTokenRotated():
            until = recorded.at + timedelta(seconds=event.grace_seconds)
            old = GraceToken(event.previous_token_id, until)
            live = tuple(token for token in row.grace if token.until > recorded.at)
            return replace(row, token_id=event.token_id, grace=(*live, old))
        case SharePasswordAdded(password_id=password_id, note=note):
            added = PasswordRow(password_id, note, recorded.at, recorded.user_id)
            return replace(row, passwords=(*row.passwords, added))
        case SharePasswordRemoved(password_id=password_id):
            left = tuple(known for known in row.passwords if known.id != password_id)
            return replace(row, passwords=left)
        case _:
            assert_never(event)
