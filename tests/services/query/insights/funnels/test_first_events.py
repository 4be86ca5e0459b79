"""Which event is an actor's first, among those that a step counts (`math`: first_time_for_user)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.conditions import AllOf, EventNamed, PropertyIs
from services.query.events.source import Source
from services.query.insights.funnels.plan import Step
from services.query.insights.funnels.statement.steps import is_step
from tests.services.query.beside import merge
from tests.services.query.conftest import NOON, Events, event, uid


def first_time(math: Any, entity: Any, matches: Any = None) -> Step:
    return Step(matches=matches or entity, entity=entity, first_time=math, action_id="x", name="x")


def steps(events: Events, team_id: int, step: Step, start: datetime, **of: Any) -> list[int]:
    bindings = Bindings()
    source = Source(team_id, bindings, period=(start, NOON + timedelta(days=1)), **of)
    test = is_step(source, step)
    text = (
        f"SELECT e.properties.n::Nullable(Int64) {source.from_clause()} "
        f"WHERE {source.scope()} AND {test} ORDER BY 1"
    )
    return [place for (place,) in events.query(Statement(text, bindings.values))]


@pytest.fixture
def signups(events: Events, team: int) -> int:
    """Person p: an event a day, n = 0 … 3, plan free, pro, pro, pro; person q: only n = 2."""

    def one(n: int, who: str, plan: str) -> dict[str, Any]:
        return event(
            team,
            "signup",
            {"n": n, "plan": plan},
            timestamp=NOON - timedelta(days=3 - n),
            person_id=uid(who),
            uuid=uid(f"{team} {who} {n}"),
        )

    rows = [one(0, "p", "free"), one(1, "p", "pro"), one(2, "p", "pro"), one(3, "p", "pro")]
    events.insert("events", [*rows, one(2, "q", "pro")])
    return team


SIGNUP = EventNamed(("signup",))
PRO = AllOf((SIGNUP, PropertyIs("event", "plan", "exact", ("pro",))))


def test_first_time_for_user_is_the_very_first_event_or_none(events: Events, signups: int) -> None:
    step = first_time("first_time_for_user", SIGNUP)
    assert steps(events, signups, step, NOON - timedelta(days=3)) == [0, 2]
    assert steps(events, signups, step, NOON - timedelta(days=2)) == [2]


def test_first_time_for_user_looks_at_filters_only_on_that_very_event(
    events: Events, signups: int
) -> None:
    step = first_time("first_time_for_user", SIGNUP, PRO)
    assert steps(events, signups, step, NOON - timedelta(days=3)) == [2]


def test_first_time_with_filters_is_the_first_event_that_passes_them(
    events: Events, signups: int
) -> None:
    step = first_time("first_time_for_user_with_filters", SIGNUP, PRO)
    assert steps(events, signups, step, NOON - timedelta(days=3)) == [1, 2]
    assert steps(events, signups, step, NOON - timedelta(days=1)) == [2]


def test_of_two_first_events_at_one_instant_the_smaller_uuid_is_the_first(
    events: Events, team: int
) -> None:
    rows = [
        event(team, "signup", {"n": n}, person_id=uid("p"), uuid=f"{half}-0000-4000-8000-{rest}")
        for n, half, rest in [(0, "00000002", "0" * 12), (1, "00000001", "f" * 12)]
    ]
    events.insert("events", rows)
    assert steps(events, team, first_time("first_time_for_user", SIGNUP), NOON) == [1]


def test_the_first_event_of_a_merged_person_is_that_of_both(events: Events, team: int) -> None:
    for n, who, at in [(0, "0", 0), (1, "1", 1)]:
        row = event(team, "signup", {"n": n}, timestamp=NOON + timedelta(hours=at))
        events.insert(
            "events", [row | {"person_id": uid(f"person {who}"), "uuid": uid(f"{team}{n}")}]
        )
    merge(events, team, "1", "0")
    step = first_time("first_time_for_user", SIGNUP)
    assert steps(events, team, step, NOON, has_overrides=True) == [0]
    assert steps(events, team, step, NOON) == [0, 1]
