"""Laws of undoing, over histories that the rules themselves produced, on each kind of stream."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw

from contracts.events.access import Grantee
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from contracts.json import NULL
from domain.access.commands import SetAccess
from domain.access.view import view as access_view
from domain.dashboard.commands import AddTile, Arrangement, CreateDashboard, EditDashboard
from domain.dashboard.view import view as dashboard_view
from domain.errors import Refused
from domain.history.undo import decide
from domain.insight.commands import CreateInsight
from domain.insight.view import view as insight_view
from domain.sharing.commands import (
    AddSharePassword,
    ChangeSharing,
    RemoveSharePassword,
    RotateAccessToken,
)
from domain.sharing.view import view as sharing_view
from tests.domain import histories
from tests.domain.undo.undoing import Told
from tests.examples import ALICE, BOB, INSIGHT, operation, recorded, stream

unset = st.just(UNSET)
switches = unset | st.booleans()
small_documents = st.sampled_from([Raw(b"{}"), Raw(b'{"a":1}'), Raw(b'{"a":2,"b":1}')])
OPEN = {1: "Dashboard 1", 2: "Dashboard 2", 3: "Dashboard 3"}


class Kind(msgspec.Struct, frozen=True):
    """first: what its stream begins with, if it must. shown: what of its row undoing is about."""

    stream: Stream[DomainEvent]
    first: Any
    commands: st.SearchStrategy[Any]
    view: Callable[[Any], Any]
    shown: Callable[[Any], dict[str, Any]]


def insight_shown(row: Any) -> dict[str, Any]:
    fields = ("name", "derived_name", "description", "order", "favorited", "saved", "tags")
    return {
        **{field: getattr(row, field) for field in (*fields, "deleted", "query", "filters")},
        **{f"on {number}": False for number in OPEN},
        **{f"on {tile.dashboard_id}": not tile.deleted for tile in row.tiles},
    }


def sharing_shown(row: Any) -> dict[str, Any]:
    if row is None:
        return {"enabled": False, "settings": NULL, "password_required": False}
    fields = ("enabled", "settings", "password_required")
    return {
        **{field: getattr(row, field) for field in fields},
        **{f"password {password.id}": True for password in row.passwords},
    }


def access_shown(row: Any) -> dict[str, Any]:
    rules = row.rules if row else ()
    return {str(rule.grantee and rule.grantee.user_id): rule.level for rule in rules}


def dashboard_shown(row: Any) -> dict[str, Any]:
    fields = ("name", "description", "filters", "restriction_level", "pinned", "tags", "deleted")
    return {
        **{field: getattr(row, field) for field in fields},
        **{f"color {tile.id}": tile.color for tile in row.tiles if tile.color},
        **{f"layouts {tile.id}": tile.layouts for tile in row.tiles if tile.layouts != Raw(b"{}")},
    }


KINDS = {
    "insight": Kind(
        stream(),
        CreateInsight(insight_id=INSIGHT, short_id="aB3dE6gH"),
        histories.edits,
        insight_view,
        insight_shown,
    ),
    "sharing": Kind(
        stream(StreamKind.SHARING),
        None,
        st.builds(
            ChangeSharing,
            insight_id=st.just(INSIGHT),
            token_id=st.integers(1, 999),
            enabled=switches,
            settings=unset | small_documents,
            password_required=switches,
        )
        | st.builds(AddSharePassword, insight_id=st.just(INSIGHT), password_id=st.integers(1, 99))
        | st.builds(RemoveSharePassword, insight_id=st.just(INSIGHT), password_id=st.just(1))
        | st.just(RotateAccessToken(insight_id=INSIGHT, token_id=5, grace_seconds=300)),
        sharing_view,
        sharing_shown,
    ),
    "access": Kind(
        stream(StreamKind.ACCESS),
        None,
        st.builds(
            SetAccess,
            insight_id=st.just(INSIGHT),
            grantee=st.none() | st.builds(Grantee, st.integers(1, 2), st.just(UUID(int=1))),
            level=st.sampled_from([None, "none", "viewer", "editor"]),
        ),
        access_view,
        access_shown,
    ),
    "dashboard": Kind(
        stream(StreamKind.DASHBOARD, 3),
        CreateDashboard(dashboard_id=3),
        st.builds(
            EditDashboard,
            name=unset | histories.texts,
            description=unset | st.sampled_from(["", "x"]),
            filters=unset | small_documents,
            restriction_level=unset | st.sampled_from([21, 37]),
            pinned=switches,
            tags=unset | st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
            arrangements=st.lists(
                st.builds(
                    Arrangement,
                    tile_id=st.integers(11, 12),
                    color=unset | st.sampled_from([None, "blue"]),
                    layouts=unset | small_documents,
                ),
                max_size=2,
            ).map(tuple),
            deleted=unset | unset | unset | st.booleans(),
        )
        | st.integers(1, 2).map(lambda number: AddTile(tile_id=10 + number, insight_id=number)),
        dashboard_view,
        dashboard_shown,
    ),
}


@st.composite
def stories(draw: st.DrawFn, kind: Kind) -> Told:
    """Operations of Alice and Bob; what was refused or changed nothing is not among them."""
    story = Told(kind.stream)
    commands = draw(st.lists(kind.commands, min_size=1, max_size=8))
    for number, command in enumerate([kind.first, *commands] if kind.first else commands, 1):
        try:
            facts = decide(story.stream, command, story.past)
        except Refused:
            continue
        story.append(facts, operation(number), draw(st.sampled_from([ALICE, ALICE, BOB])))
    return story


def row_of(kind: Kind, past: Sequence[Recorded[Any]]) -> dict[str, Any]:
    return kind.shown(kind.view(past))


def check_story(kind: Kind, story: Told, data: st.DataObject) -> None:
    operations = list(dict.fromkeys(fact.operation_id for fact in story.past))
    undone = data.draw(st.sampled_from(operations)) if operations else operation(0)
    terms = {"dashboards": OPEN, "token_id": 1000}
    taken = story.undo_all([undone], **terms)
    now = row_of(kind, story.past)
    if taken.is_refused:
        assert taken.facts == taken.already == ()
        assert all(each.changed_by for each in taken.conflicts if each.code == "changed")
        return
    check_without(kind, story, undone, taken.facts)
    # Once more: nothing is left to be done.
    story.append(taken.facts, operation(100))
    again = story.undo_all([undone], **terms)
    assert (again.facts, again.already) == ((), (undone,))
    # And the undo is undone, where it holds no secret.
    back = story.undo_all([operation(100)], **terms)
    if not back.not_undoable:
        assert back.conflicts == ()
        story.append(back.facts, operation(101))
        assert row_of(kind, story.past) == now


def check_without(kind: Kind, story: Told, undone: UUID, facts: Sequence[DomainEvent]) -> None:
    """Law 4, field by field: what it touched and nobody moved since is as before it, and what it
    did not touch is as it is. Documents that were moved since: the laws of documents.
    """
    places = [index for index, fact in enumerate(story.past) if fact.operation_id == undone]
    if not places or places[0] == 0:
        return
    first, end = places[0], places[-1] + 1
    before = row_of(kind, story.past[:first])
    left, *since = (row_of(kind, story.past[:index]) for index in range(end, len(story.past) + 1))
    now = since[-1] if since else left
    after = row_of(kind, [*story.past, *recorded(facts, of=kind.stream, after=len(story.past))])
    for field in before.keys() | left.keys() | now.keys():
        if before.get(field) == left.get(field):
            assert after.get(field) == now.get(field), field
        elif all(each.get(field) == left.get(field) for each in since):
            # Taken off a dashboard is as never put on.
            assert (after.get(field) or None) == (before.get(field) or None), field


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_an_undone_operation_leaves_the_history_without_it(name: str, data: st.DataObject) -> None:
    check_story(KINDS[name], data.draw(stories(KINDS[name])), data)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=10_000, deadline=None)
@given(data=st.data())
def test_an_undone_operation_leaves_the_history_without_it_at_length(
    name: str, data: st.DataObject
) -> None:
    check_story(KINDS[name], data.draw(stories(KINDS[name])), data)


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_all_that_was_done_is_taken_back_in_one(name: str, data: st.DataObject) -> None:
    """Newest first there is no conflict: each is as the next one found it."""
    kind = KINDS[name]
    story = data.draw(stories(kind))
    operations = list(dict.fromkeys(fact.operation_id for fact in story.past))
    taken = story.undo_all(operations[::-1], dashboards=OPEN, token_id=1000, force=True)
    assert taken.conflicts == ()
    if not taken.not_undoable:
        story.append(taken.facts, operation(100))
        after = row_of(kind, story.past)
        assert after["deleted"] if kind.first else after == kind.shown(None)
