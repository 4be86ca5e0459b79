"""What follows from a command on access rules, and what the rules then say."""

from uuid import UUID

from contracts.events.access import AccessEvent, AccessGranted, AccessRevoked, Grantee
from contracts.events.streams import StreamKind
from domain.access.commands import SetAccess
from domain.access.decide import decide
from domain.access.view import view
from tests.domain.story import Past
from tests.examples import ALICE, INSIGHT, recorded, stream

BOB = Grantee(2, UUID("00000000-0000-4000-8000-000000000002"))
BOB_AGAIN = Grantee(2, UUID("00000000-0000-4000-8000-000000000022"))
HIDDEN = AccessGranted(INSIGHT, None, "none", None)
BOB_VIEWS = AccessGranted(INSIGHT, BOB, "viewer", None)


def past(*events: AccessEvent) -> Past[SetAccess, AccessEvent]:
    access = view(recorded(events, of=stream(StreamKind.ACCESS)))
    return Past(lambda command: decide(command, access))


def test_a_rule_is_set_changed_and_taken_away() -> None:
    view_, edit = (
        SetAccess(insight_id=INSIGHT, grantee=BOB, level=level) for level in ("viewer", "editor")
    )
    past().when(view_).then(BOB_VIEWS)
    past(BOB_VIEWS).when(edit).then(AccessGranted(INSIGHT, BOB, "editor", "viewer"))
    past(BOB_VIEWS).when(SetAccess(insight_id=INSIGHT, grantee=BOB, level=None)).then(
        AccessRevoked(INSIGHT, BOB, "viewer")
    )


def test_a_rule_that_is_so_already_changes_nothing() -> None:
    past(BOB_VIEWS).when(
        SetAccess(insight_id=INSIGHT, grantee=BOB_AGAIN, level="viewer")
    ).then_nothing()
    past(BOB_VIEWS).when(SetAccess(insight_id=INSIGHT, grantee=None, level=None)).then_nothing()


def test_everyones_rule_and_a_members_stand_side_by_side() -> None:
    history = recorded(
        [HIDDEN, BOB_VIEWS, AccessGranted(INSIGHT, BOB_AGAIN, "editor", "viewer")],
        of=stream(StreamKind.ACCESS),
    )
    row = view(history)
    assert row is not None
    everyone, bob = row.rules
    assert (everyone.grantee, everyone.level) == (None, "none")
    assert (bob.grantee, bob.level, bob.created_by) == (BOB_AGAIN, "editor", ALICE.user_id)
    assert (bob.created_at, bob.updated_at) == (history[1].at, history[2].at)
    assert (row.insight_id, row.version, row.position) == (INSIGHT, 3, 3)


def test_a_revoked_rule_is_gone() -> None:
    events: list[AccessEvent] = [HIDDEN, BOB_VIEWS, AccessRevoked(INSIGHT, BOB_AGAIN, "viewer")]
    row = view(recorded(events, of=stream(StreamKind.ACCESS)))
    assert row is not None
    assert [rule.grantee for rule in row.rules] == [None]


def test_a_projects_rules_have_no_insight() -> None:
    row = view(recorded([AccessGranted(None, None, "viewer", None)], of=stream(number=0)))
    assert row is not None
    assert row.insight_id == 0
