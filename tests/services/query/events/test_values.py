"""Values of events: what they are broken down by, and whom they are of."""

from typing import Any

from contracts.product_events import property_texts
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.source import Source
from tests.services.query.beside import merge, person
from tests.services.query.conftest import NOON, Events, event, uid


def values(
    events: Events, team_id: int, *keys: Key, normalize_url: bool = False, **of: Any
) -> list[tuple[str, ...]]:
    bindings = Bindings()
    source = Source(team_id, bindings, **of)
    parts = ", ".join(source.key_text(key, normalize_url=normalize_url) for key in keys)
    text = f"SELECT {parts} {source.from_clause()} WHERE {source.scope()} ORDER BY e.event"
    return [tuple(row) for row in events.query(Statement(text, bindings.values))]


def test_breakdown_values_are_text_and_missing_ones_are_empty(events: Events, team: int) -> None:
    sent: list[dict[str, Any]] = [
        {"k": 95},
        {"k": 1.5},
        {"k": True},
        {"k": "x"},
        {"k": [1, "a"]},
        {"k": None},
        {},
    ]
    events.add(team, *sent)
    found = values(events, team, PropertyKey("event", "k"), PropertyKey("event", "nothing"))
    assert [first for first, _ in found] == ["95", "1.5", "true", "x", '[1,"a"]', "", ""]
    assert {second for _, second in found} == {""}


def test_normalized_urls_lose_their_trailing_marks(events: Events, team: int) -> None:
    sent = [{"k": url} for url in ["https://a.b/", "/x?#", "///", "", "a/b"]]
    events.add(team, *sent, {})
    found = values(events, team, PropertyKey("event", "k"), normalize_url=True)
    assert found == [("https://a.b",), ("/x",), ("/",), ("/",), ("a/b",), ("/",)]


def test_values_of_persons_groups_and_sessions_are_joined(events: Events, team: int) -> None:
    events.insert(
        "events",
        [event(team, 0, session_id="s", group_0="a"), event(team, 1), event(team, 2, group_0="a")],
    )
    events.insert("persons", [person(team, "0", {"plan": "pro"}), person(team, "9", {"plan": "x"})])
    stored, sent = property_texts({"tier": 3})
    row = {"team_id": team, "group_type_index": 0, "group_key": "a", "version": 1}
    events.insert("groups", [row | {"properties": stored, "sent": sent, "created_at": NOON}])
    merge(events, team, "1", "0")
    asked: list[tuple[Key, list[str]]] = [
        (PropertyKey("person", "plan"), ["pro", "pro", ""]),
        (GroupKey(0, "tier"), ["3", "", "3"]),
        (PropertyKey("session", "$session_duration"), ["0", "", ""]),
        (ExpressionKey("person.properties.plan"), ["pro", "pro", ""]),
        (PropertyKey("event_metadata", "event"), ["0", "1", "2"]),
    ]
    for key, expected in asked:
        found = values(events, team, key, has_overrides=True)
        assert [first for (first,) in found] == expected, key


def test_an_actor_is_a_person_a_group_or_the_value_of_an_expression(
    events: Events, team: int
) -> None:
    rows = [event(team, 0, {"$session_id": "s1"}, group_1="acme"), event(team, 1, {})]
    events.insert("events", rows)
    bindings = Bindings()
    source = Source(team, bindings)
    actors: list[AnyActor] = [
        PersonActor(),
        GroupActor(1),
        ExpressionActor("properties.$session_id"),
    ]
    columns = [f"toString({source.actor(one)}), {source.has_actor(one)}" for one in actors]
    text = (
        f"SELECT {', '.join(columns)} {source.from_clause()} WHERE {source.scope()} "
        "ORDER BY e.event"
    )
    assert events.query(Statement(text, bindings.values)) == [
        (str(uid("person 0")), 1, "acme", 1, "s1", 1),
        (str(uid("person 1")), 1, "", 0, "", 0),
    ]
