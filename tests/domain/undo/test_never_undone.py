"""What no undo takes back, and what every undo passes over."""

from contracts.events.history import InsightReverted, OperationsUndone
from contracts.events.streams import StreamKind, history_stream
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


def test_what_history_says_of_itself_is_passed_over() -> None:
    story = Told(history_stream(TEAM), [OperationsUndone((operation(5),))], [InsightReverted(7, 3)])
    assert story.undo(2, 1).facts == ()
    assert not story.undo(2, 1).is_refused
