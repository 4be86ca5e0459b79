"""An operation on an insight's sharing is taken back, but for secrets that are gone."""

from typing import Any

from msgspec import Raw

from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.streams import StreamKind
from contracts.json import NULL
from domain.history.undoing import UndoWarning
from domain.sharing.undo import needs_token
from tests.domain.undo.undoing import Told, places, said
from tests.examples import INSIGHT, operation, stream

ON, OFF = SharingEnabled(INSIGHT, token_id=1), SharingDisabled(INSIGHT)
REQUIRED, FREE = SharingPasswordRequired(INSIGHT), SharingPasswordNotRequired(INSIGHT)
LEGEND, PLAIN = Raw(b'{"legend":true}'), Raw(b'{"legend":false}')
BOARD, GONE = SharePasswordAdded(INSIGHT, 5, "Board"), SharePasswordRemoved(INSIGHT, 5)


def shared(*operations: Any) -> Told:
    return Told(stream(StreamKind.SHARING), *operations)


def test_a_switching_on_is_switched_off() -> None:
    taken = shared([ON]).undo(1)
    assert (taken.facts, taken.warnings) == ((OFF,), ())
    assert shared([ON], [OFF]).undo(1).already


def test_a_switching_off_is_switched_on_under_a_new_token_and_warns_of_it() -> None:
    story = shared([ON], [OFF])
    assert needs_token(story.past, operation(2))
    assert not needs_token(story.past, operation(1))
    taken = story.undo(2, token_id=9)
    assert taken.facts == (SharingEnabled(INSIGHT, token_id=9),)
    assert taken.warnings == (
        UndoWarning(code="new_token", kind="sharing", number=INSIGHT, token_id=9),
    )
    assert shared([ON], [OFF], [REQUIRED]).undo(2, token_id=9).facts == taken.facts
    again = shared([ON], [OFF], [SharingEnabled(INSIGHT, token_id=2)]).undo(2, token_id=9)
    assert (again.facts, again.warnings) == ((), ())
    assert again.already


def test_what_was_switched_off_and_on_since_is_another_share() -> None:
    story = shared([ON], [OFF], [SharingEnabled(INSIGHT, token_id=2)])
    assert said(story.undo(1).conflicts) == [("changed", "enabled", None, "true", "true", [2, 3])]
    rotated = AccessTokenRotated(INSIGHT, token_id=2, previous_token_id=1, grace_seconds=300)
    assert shared([ON], [rotated]).undo(1).facts == (OFF,)


def test_a_share_that_the_same_undo_has_switched_on_again_is_nobody_elses() -> None:
    taken = shared([ON], [OFF], [REQUIRED]).undo(3, 2, 1, token_id=9)
    assert taken.facts == (FREE, SharingEnabled(INSIGHT, token_id=9), OFF)


def test_settings_and_the_need_of_a_password_go_back() -> None:
    story = shared([ON, SharingSettingsChanged(INSIGHT, LEGEND, NULL), REQUIRED])
    assert story.undo(1).facts == (SharingSettingsChanged(INSIGHT, NULL, LEGEND), FREE, OFF)
    story = shared([ON], [SharingSettingsChanged(INSIGHT, LEGEND, NULL)])
    story.append([SharingSettingsChanged(INSIGHT, PLAIN, LEGEND)], operation(3))
    assert said(story.undo(2).conflicts) == [
        ("changed", "settings", None, '{"legend":true}', '{"legend":false}', [3])
    ]
    assert shared([REQUIRED], [FREE]).undo(2).facts == (REQUIRED,)


def test_an_added_password_is_removed_unless_it_is_already() -> None:
    story = shared([REQUIRED], [BOARD])
    assert story.undo(2).facts == (GONE,)
    assert places(story.undo(2)) == [("share_passwords", "/5")]
    assert shared([REQUIRED], [BOARD], [GONE]).undo(2).already
    assert shared([REQUIRED, BOARD], [GONE]).undo(1).facts == (FREE,)


def test_secrets_that_are_gone_do_not_come_back() -> None:
    rotated = AccessTokenRotated(INSIGHT, token_id=2, previous_token_id=1, grace_seconds=300)
    story = shared([ON, REQUIRED, BOARD], [GONE, FREE], [rotated])
    for number, type_, reason in (
        (2, "sharing.password_removed.v1", "The password is gone for good."),
        (3, "sharing.access_token_rotated.v1", "The old address is gone for good."),
    ):
        taken = story.undo(number)
        assert taken.is_refused
        assert taken.facts == ()
        assert [(each.type, each.reason) for each in taken.not_undoable] == [(type_, reason)]
        assert taken.already == ()
    assert story.undo(2, only_free=True).facts == (REQUIRED,)
    asked = story.undo(2, fields=frozenset({"password_required"}))
    assert (asked.facts, asked.not_undoable) == ((REQUIRED,), ())


def test_only_what_will_be_done_is_warned_of() -> None:
    story = shared([ON, REQUIRED, BOARD], [GONE, OFF])
    assert story.undo(2, token_id=9).warnings == ()
    assert story.undo(2, token_id=9, only_free=True).warnings != ()
