"""What follows from a command on an insight's sharing."""

from datetime import timedelta

import pytest
from msgspec import Raw

from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.streams import StreamKind
from contracts.json import NULL
from contracts.read_models.sharing import GraceToken
from domain.errors import NotFound, PasswordNotRequired, Refused, SharingOff
from domain.sharing.commands import (
    AddSharePassword,
    ChangeSharing,
    RemoveSharePassword,
    RotateAccessToken,
    SharingCommand,
)
from domain.sharing.decide import decide
from domain.sharing.view import view
from tests.domain.story import Past
from tests.examples import ALICE, INSIGHT, recorded, stream

ON = SharingEnabled(INSIGHT, token_id=1)
OFF = SharingDisabled(INSIGHT)
DARK = Raw(b'{"theme":"dark"}')
GUARDED = SharingPasswordRequired(INSIGHT)
ROTATED = AccessTokenRotated(INSIGHT, token_id=2, previous_token_id=1, grace_seconds=300)


def past(*events: SharingEvent) -> Past[SharingCommand, SharingEvent]:
    sharing = view(recorded(events, of=stream(StreamKind.SHARING)))
    return Past(lambda command: decide(command, sharing))


def test_switching_on_names_its_new_token() -> None:
    past().when(ChangeSharing(insight_id=INSIGHT, token_id=1, enabled=True)).then(ON)
    past(ON, OFF).when(ChangeSharing(insight_id=INSIGHT, token_id=2, enabled=True)).then(
        SharingEnabled(INSIGHT, token_id=2)
    )


def test_what_is_on_already_keeps_its_token() -> None:
    past(ON).when(ChangeSharing(insight_id=INSIGHT, token_id=2, enabled=True)).then_nothing()


def test_what_was_never_on_cannot_be_switched_off() -> None:
    past().when(ChangeSharing(insight_id=INSIGHT, token_id=0, enabled=False)).then_nothing()


def test_settings_and_passwords_may_come_before_the_switch() -> None:
    past().when(
        ChangeSharing(
            insight_id=INSIGHT, token_id=1, enabled=True, settings=DARK, password_required=True
        )
    ).then(SharingSettingsChanged(INSIGHT, DARK, NULL), GUARDED, ON)


def test_a_rotation_names_both_tokens() -> None:
    past(ON).when(RotateAccessToken(insight_id=INSIGHT, token_id=2, grace_seconds=300)).then(
        ROTATED
    )


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (RotateAccessToken(insight_id=INSIGHT, token_id=2, grace_seconds=300), SharingOff),
        (AddSharePassword(insight_id=INSIGHT, password_id=1), PasswordNotRequired),
        (RemoveSharePassword(insight_id=INSIGHT, password_id=1), NotFound),
    ],
)
def test_what_makes_no_sense_is_refused(command: SharingCommand, refusal: type[Refused]) -> None:
    past(ON, OFF).when(command).then_refused(refusal)


def test_passwords_come_and_go() -> None:
    added = SharePasswordAdded(INSIGHT, password_id=5, note="press")
    past(GUARDED).when(AddSharePassword(insight_id=INSIGHT, password_id=5, note="press")).then(
        added
    )
    past(GUARDED, added).when(RemoveSharePassword(insight_id=INSIGHT, password_id=5)).then(
        SharePasswordRemoved(INSIGHT, password_id=5)
    )


def test_the_view_follows_switch_rotation_and_passwords() -> None:
    history = recorded(
        [GUARDED, ON, ROTATED, SharePasswordAdded(INSIGHT, 5, "press")],
        of=stream(StreamKind.SHARING),
    )
    row = view(history)
    assert row is not None
    assert row.enabled
    assert row.created_at == history[1].at
    assert row.token_id == 2
    assert row.grace == (GraceToken(1, history[2].at + timedelta(seconds=300)),)
    assert [(p.id, p.note, p.created_by) for p in row.passwords] == [(5, "press", ALICE.user_id)]
    assert row.version == 4


def test_switching_on_again_kills_every_earlier_token() -> None:
    again = SharingEnabled(INSIGHT, token_id=3)
    row = view(recorded([ON, ROTATED, OFF, again], of=stream(StreamKind.SHARING)))
    assert row is not None
    assert (row.token_id, row.grace) == (3, ())
