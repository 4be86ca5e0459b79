"""What no undo takes back, and what every undo passes over."""

from contracts.codec import stored_name
from contracts.events.account import KeyRevoked
from contracts.events.audit import HoldLifted, HoldPlaced, KeyRotated
from contracts.events.history import InsightReverted, OperationsUndone
from contracts.events.recorded import DomainEvent
from contracts.events.streams import (
    Stream,
    StreamKind,
    account_stream,
    audit_stream,
    history_stream,
    hold_stream,
)
from contracts.events.viewing import InsightViewed, ShareLoginFailed, ShareLoginSucceeded
from tests.domain.undo.undoing import Told
from tests.examples import TEAM, operation, stream


def test_looking_is_not_taken_back() -> None:
    views = Told(stream(StreamKind.VIEWING, 1), [InsightViewed(7, 1)])
    visits = Told(
        stream(StreamKind.SHARE_LOGIN), [ShareLoginFailed(7)], [ShareLoginSucceeded(7, 5)]
    )
    for story, number, kind, type_ in (
        (views, 1, "viewing", "viewing.insight_viewed.v1"),
        (visits, 1, "share_login", "viewing.share_login_failed.v1"),
        (visits, 2, "share_login", "viewing.share_login_succeeded.v1"),
    ):
        taken = story.undo(number)
        assert taken.is_refused
        assert [(each.kind, each.type) for each in taken.not_undoable] == [(kind, type_)]
        assert (taken.facts, taken.already) == ((), ())
    assert views.undo(9).already == (operation(9),)
    assert not views.undo(1, fields=frozenset({"name"})).is_refused


def test_what_auditors_are_told_is_not_taken_back() -> None:
    said: list[tuple[Stream[DomainEvent], DomainEvent]] = [
        (hold_stream(TEAM, 1), HoldPlaced(1, "A case.", (), ())),
        (hold_stream(TEAM, 1), HoldLifted(1)),
        (audit_stream(TEAM), KeyRotated("a+1+A", "a+2+B", lost=False)),
        (account_stream(-1), KeyRevoked("k", 1)),
    ]
    for of, fact in said:
        (refusal,) = Told(of, [fact]).undo(1).not_undoable
        assert (refusal.kind, refusal.number) == (of.kind.value, of.number)
        assert refusal.type == stored_name(fact)
        assert refusal.reason


def test_what_history_says_of_itself_is_passed_over() -> None:
    story = Told(history_stream(TEAM), [OperationsUndone((operation(5),))], [InsightReverted(7, 3)])
    assert story.undo(2, 1).facts == ()
    assert not story.undo(2, 1).is_refused
