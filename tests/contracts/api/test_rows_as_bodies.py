"""Bodies made of rows, without a server: what is missing or cannot be read breaks no list."""

from uuid import UUID

import pytest
from msgspec import Raw

from contracts.api.actions import ActionBody
from contracts.api.activity import ActivityEntry
from contracts.api.sharing import SharingBody
from contracts.events.action import ActionCreated
from contracts.events.streams import StreamKind
from contracts.json import NULL
from contracts.read_models.activity import ActivityDetails, ActivityRow, Change
from domain.action.view import view
from tests.examples import START, recorded, stream


@pytest.mark.parametrize(
    ("steps", "events"),
    [(b'[{"event":"paid"}]', ["paid"]), (b'[{"event":5}]', []), (b"{}", [])],
)
def test_steps_that_cannot_be_read_any_more_are_not_shown(steps: bytes, events: list[str]) -> None:
    created = ActionCreated(action_id=5, name="Pays", steps=Raw(steps))
    row = view(recorded([created], of=stream(StreamKind.ACTION, 5)))
    assert row is not None
    body = ActionBody.of(row, None)
    assert [step.event for step in body.steps] == events


def entry(
    user_id: int | None, *, quiet: bool = False, changes: tuple[Change, ...] | None = None
) -> ActivityEntry:
    row = ActivityRow(
        id=UUID(int=1),
        team_id=1,
        scope="Insight",
        item_id="7",
        insight_id=7,
        activity="updated",
        user_id=user_id,
        key_id=None,
        operation_id=UUID(int=1),
        at=START,
        position=1,
        sequence=1,
        quiet=False,
        details=ActivityDetails(changes, "A", "aB3dE6gH"),
    )
    return ActivityEntry.of(row, None, {}, quiet=quiet)


def test_nobody_did_it_or_somebody_who_is_gone() -> None:
    system, gone = entry(None), entry(1)
    assert system.user is not None
    assert gone.user is None


def test_quiet_changes_are_told_to_those_who_ask_for_all() -> None:
    both = tuple(
        Change(action="changed", field=field, before=NULL, after=NULL)
        for field in ("name", "saved")
    )
    for quiet, fields in ((False, ["name"]), (True, ["name", "saved"])):
        changes = entry(None, quiet=quiet, changes=both).detail.changes
        assert changes is not None
        assert [change.field for change in changes] == fields


def test_what_was_never_shared_is_not_shared() -> None:
    body = SharingBody.of(None, None, {})
    assert (body.enabled, body.access_token, body.share_passwords) == (False, None, ())
