"""An operation on access rules is taken back, rule by rule."""

from typing import Any
from uuid import UUID

from contracts.events.access import AccessGranted, AccessRevoked, Grantee
from contracts.events.streams import StreamKind
from tests.domain.undo.undoing import Told, places, said
from tests.examples import INSIGHT, stream

BOB = Grantee(2, UUID(int=2))
BOB_AGAIN = Grantee(2, UUID(int=22))
EVERYONE = AccessGranted(INSIGHT, None, "viewer", None)


def ruled(*operations: Any) -> Told:
    return Told(stream(StreamKind.ACCESS), *operations)


def test_a_new_rule_goes_and_a_changed_one_gets_its_level_back() -> None:
    assert ruled([EVERYONE]).undo(1).facts == (AccessRevoked(INSIGHT, None, "viewer"),)
    story = ruled([EVERYONE], [AccessGranted(INSIGHT, None, "editor", "viewer")])
    assert story.undo(2).facts == (AccessGranted(INSIGHT, None, "viewer", "editor"),)
    assert places(story.undo(2)) == [("access_level", None)]


def test_a_rule_that_was_taken_away_is_given_again() -> None:
    story = ruled([EVERYONE], [AccessRevoked(INSIGHT, None, "viewer")])
    assert story.undo(2).facts == (EVERYONE,)
    story.append([EVERYONE], story.past[0].operation_id)
    assert story.undo(2).already


def test_a_rule_with_another_level_now_is_a_conflict() -> None:
    story = ruled([EVERYONE], [AccessGranted(INSIGHT, None, "editor", "viewer")])
    assert said(story.undo(1).conflicts) == [
        ("changed", "access_level", None, '"viewer"', '"editor"', [2])
    ]
    story.append([AccessRevoked(INSIGHT, None, "editor")], story.past[0].operation_id)
    assert story.undo(1).already


def test_other_rules_are_left_alone_and_a_member_is_the_same_user() -> None:
    story = ruled(
        [AccessGranted(INSIGHT, BOB, "none", None), EVERYONE],
        [AccessGranted(INSIGHT, BOB_AGAIN, "editor", "none")],
    )
    assert story.undo(2).facts == (AccessGranted(INSIGHT, BOB_AGAIN, "none", "editor"),)
    assert said(story.undo(1).conflicts) == [
        ("changed", "access_level", f"/{BOB.member_id}", '"none"', '"editor"', [2])
    ]
    assert story.undo(1, only_free=True).facts == (AccessRevoked(INSIGHT, None, "viewer"),)
    assert ruled([EVERYONE]).undo(1, fields=frozenset({"name"})).facts == ()
    assert ruled([EVERYONE]).undo(1, fields=frozenset({"access_level"})).facts != ()


def test_the_rules_of_a_project_go_back_as_well() -> None:
    story = Told(stream(StreamKind.ACCESS, 0), [AccessGranted(None, BOB, "none", None)])
    assert story.undo(1).facts == (AccessRevoked(None, BOB, "none"),)
