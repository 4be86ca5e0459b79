"""An insight is put back to a version of it."""

import pytest
from msgspec import UNSET, Raw
from msgspec.structs import asdict

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightEvent,
    InsightFavorited,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnsaved,
)
from contracts.read_models.insight import InsightRow
from domain.errors import NotValidNow, VersionDeleted
from domain.insight.commands import EditInsight
from domain.insight.decide import decide
from domain.insight.revert import WRITABLE, Reverting, revert
from domain.insight.view import view
from tests.examples import FUNNEL, created, recorded

ON, OFF = InsightAddedToDashboard(31, 3, "Growth"), InsightRemovedFromDashboard(31, 3, "Growth")
OPEN = {3: "More growth"}


def row(*events: InsightEvent) -> InsightRow:
    found = view(recorded(events))
    assert found is not None
    return found


def reverted(history: list[InsightEvent], version: int) -> list[InsightEvent]:
    then, now = row(*history[:version]), row(*history)
    return decide(revert(then, now, OPEN).command, now)


def test_every_writable_field_is_again_as_it_was() -> None:
    new = created(name="a", saved=False, query=FUNNEL)
    history: list[InsightEvent] = [
        new,
        ON,
        InsightRenamed("b", "a"),
        InsightTagged(("x",), ()),
        InsightFavorited(),
        InsightSaved(),
        OFF,
    ]
    facts = reverted(history, 2)
    assert facts[:2] == [InsightRenamed("a", "b"), InsightTagged((), ("x",))]
    # `saved`, too: it was not, and no edit of it makes it so.
    assert InsightUnsaved() in facts
    assert InsightAddedToDashboard(31, 3, "More growth") in facts
    after, then = row(*history, *facts), row(*history[:2])
    for field in WRITABLE - {"dashboards"}:
        assert getattr(after, field) == getattr(then, field), field
    assert reverted(history, len(history)) == []


def test_every_field_of_an_edit_is_named() -> None:
    now = row(created())
    assert UNSET not in asdict(revert(now, now, {}).command).values()
    assert set(asdict(EditInsight())) == WRITABLE | {"deleted"}


def test_only_the_fields_that_are_asked_for_go_back() -> None:
    now = row(created(name="a"), ON, InsightRenamed("b", "a"), InsightFavorited(), OFF)
    command = revert(row(created(name="a"), ON), now, OPEN, {"name"}).command
    assert command == EditInsight(name="a", deleted=False)


def test_dashboards_that_are_gone_or_closed_are_left_out_and_told() -> None:
    sales = InsightAddedToDashboard(41, 4, "Sales")
    then, now = row(created(), ON, sales), row(created(), ON, sales, OFF)
    outcome = revert(then, now, {})
    assert outcome.skipped == (3,)
    # It may stay where it is.
    assert decide(outcome.command, now) == []
    assert decide(revert(then, now, OPEN).command, now) == [
        InsightAddedToDashboard(31, 3, "More growth")
    ]


def test_a_deleted_insight_comes_back_and_a_deleted_version_does_not() -> None:
    history: list[InsightEvent] = [created(name="a"), InsightDeleted()]
    assert reverted(history, 1) == [InsightRestored()]
    with pytest.raises(VersionDeleted):
        reverted(history, 2)


def test_a_query_that_is_refused_today_does_not_come_back() -> None:
    then, now = row(created(query=Raw(b'{"kind":"Nonsense"}'))), row(created(query=FUNNEL))
    with pytest.raises(NotValidNow, match="Unknown kind of query: Nonsense"):
        revert(then, now, {})
    assert revert(then, now, {}, {"name"}) == Reverting(EditInsight(name=None, deleted=False))
