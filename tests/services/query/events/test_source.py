"""What stands beside an event: its person, group, cohorts."""

from datetime import timedelta
from typing import Any

from contracts.product_events import property_texts
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import PersonActor
from services.query.events.conditions import ALWAYS, AllOf, AnyOf, EventNamed, InCohort, OnDays
from services.query.events.source import Source
from tests.services.query.beside import is_, member, merge, person
from tests.services.query.conftest import NOON, Events, event, uid

# Structure


def test_all_of_nothing_is_true_and_any_of_nothing_is_false(events: Events, team: int) -> None:
    events.add(team, {}, {})
    assert events.passing(team, ALWAYS) == [0, 1]
    assert events.passing(team, AnyOf()) == []


def test_conditions_combine(events: Events, team: int) -> None:
    events.add(team, {"a": 1}, {"a": 1, "b": 2}, {"b": 2})
    a, b = is_("event", "a", "exact", 1), is_("event", "b", "exact", 2)
    assert events.passing(team, AllOf((a, b))) == [1]
    assert events.passing(team, AnyOf((a, b))) == [0, 1, 2]
    assert events.passing(team, AllOf((a, AnyOf((b, is_("event", "b", "is_not_set")))))) == [0, 1]


def test_an_event_has_one_of_the_names(events: Events, team: int) -> None:
    events.insert("events", [event(team, name) for name in ("1", "2", "3")])
    events.insert("events", [event(team, name) for name in ("4", "5")])
    assert events.table(team, [EventNamed(("1", "4"))]) == [
        [True],
        [False],
        [False],
        [True],
        [False],
    ]


def test_an_event_of_another_project_never_counts(events: Events, team: int) -> None:
    other = events.team()
    events.add(other, {"a": 1})
    events.add(team, {"a": 1}, {"a": 1})
    assert events.passing(team, is_("event", "a", "exact", 1)) == [0, 1]


def test_both_ends_of_the_period_belong_to_it(events: Events, team: int) -> None:
    times = [NOON + timedelta(microseconds=shift) for shift in (-1, 0, 1, 2)]
    rows = [event(team, place, timestamp=at) for place, at in enumerate(times)]
    events.insert("events", rows)
    names = events.table(
        team, [EventNamed(("1",)), EventNamed(("2",))], period=(times[1], times[2])
    )
    assert names == [[True, False], [False, True]]


# Event columns


def test_columns_of_the_event_are_compared_like_properties(events: Events, team: int) -> None:
    events.insert(
        "events",
        [
            event(team, 0, group_1="acme", timestamp=NOON),
            event(team, 1, group_1="", timestamp=NOON + timedelta(days=1)),
        ],
    )
    found = {
        "event": is_("event_metadata", "event", "exact", "0"),
        "distinct_id": is_("event_metadata", "distinct_id", "icontains", "D0"),
        "person_id": is_("event_metadata", "person_id", "exact", str(uid("person 0"))),
        "group": is_("event_metadata", "$group_1", "is_set"),
        "time": is_("event_metadata", "timestamp", "is_date_before", "2024-01-11T00:00:00+00:00"),
        "text": is_("event_metadata", "timestamp", "exact", "2024-01-10T12:00:00.000000Z"),
    }
    for name, condition in found.items():
        assert events.passing(team, condition) == [0], name
    assert events.passing(team, is_("event_metadata", "$group_1", "is_not", "acme")) == [1]


def test_group_keys_are_the_events_whatever_its_properties_say(events: Events, team: int) -> None:
    sent = {"$group_1": "of the properties"}
    rows = [event(team, 0, sent, group_1="acme"), event(team, 1, sent, group_1="")]
    events.insert("events", rows)
    assert events.passing(team, is_("event", "$group_1", "exact", "acme")) == [0]
    assert events.passing(team, is_("event", "$group_1", "is_not_set")) == [1]
    assert events.passing(team, is_("event", "$group_5", "is_set")) == []


def test_a_day_of_the_week_is_that_of_the_projects_timezone(events: Events, team: int) -> None:
    wednesday = [NOON, NOON + timedelta(hours=8)]
    rows = [event(team, place, timestamp=at) for place, at in enumerate(wednesday)]
    events.insert("events", rows)
    assert events.passing(team, OnDays((3,))) == [0, 1]
    assert events.passing(team, OnDays((3,)), timezone="Asia/Tokyo") == [0]
    assert events.passing(team, OnDays((3, 4)), timezone="Asia/Tokyo") == [0, 1]


# Persons


def test_person_properties_are_those_of_now(events: Events, team: int) -> None:
    events.add(team, {}, {}, {})
    events.insert("persons", [person(team, "0", {"plan": "free"}), person(team, "1", {"age": 30})])
    events.insert("persons", [person(team, "0", {"plan": "pro"}, version=2)])
    assert events.passing(team, is_("person", "plan", "exact", "pro")) == [0]
    assert events.passing(team, is_("person", "plan", "exact", "free")) == []
    assert events.passing(team, is_("person", "age", "gt", 29)) == [1]


def test_a_negative_filter_passes_persons_without_the_property_and_without_a_record(
    events: Events, team: int
) -> None:
    events.add(team, {}, {}, {})
    events.insert("persons", [person(team, "0", {"plan": "pro"}), person(team, "1", {})])
    assert events.passing(team, is_("person", "plan", "is_not", "pro")) == [1, 2]
    assert events.passing(team, is_("person", "plan", "is_not_set")) == [1, 2]
    assert events.passing(team, is_("person", "plan", "not_between", 1, 2)) == []


def test_a_deleted_person_has_no_properties(events: Events, team: int) -> None:
    events.add(team, {})
    events.insert("persons", [person(team, "0", {"plan": "pro"}, deleted=True)])
    assert events.passing(team, is_("person", "plan", "is_set")) == []


def distinct(team_id: int, distinct_id: str, name: str) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "distinct_id": distinct_id,
        "person_id": uid(f"person {name}"),
        "version": 1,
    }


def test_distinct_id_of_a_person_is_any_of_its_ids(events: Events, team: int) -> None:
    events.add(team, {}, {})
    ids = [distinct(team, "a", "0"), distinct(team, "b", "0"), distinct(team, "c", "1")]
    events.insert("person_distinct_ids", ids)
    assert events.passing(team, is_("person", "distinct_id", "exact", "b")) == [0]
    assert events.passing(team, is_("person", "distinct_id", "is_not", "b")) == [1]


def test_events_follow_a_merge(events: Events, team: int) -> None:
    events.add(team, {}, {}, {})
    events.insert("persons", [person(team, "1", {"plan": "pro"})])
    merge(events, team, "0", "1")
    pro = is_("person", "plan", "exact", "pro")
    assert events.passing(team, pro, has_overrides=True) == [0, 1]
    assert events.passing(team, pro) == [1]
    bindings = Bindings()
    source = Source(team, bindings, has_overrides=True)
    counted = f"SELECT uniqExact({source.actor(PersonActor())}) {source.from_clause()}"
    rows = events.query(Statement(f"{counted} WHERE {source.scope()}", bindings.values))
    assert rows == [(2,)]


# Cohorts


def test_members_of_a_cohort_are_its_newest_ones(events: Events, team: int) -> None:
    events.add(team, {}, {}, {})
    events.insert(
        "cohort_people", [member(team, 7, "0"), member(team, 7, "1"), member(team, 8, "2")]
    )
    events.insert("cohort_people", [member(team, 7, "1", version=2, member=False)])
    assert events.passing(team, InCohort(7)) == [0]
    assert events.passing(team, InCohort(7, negated=True)) == [1, 2]


def test_a_member_who_was_merged_stays_a_member(events: Events, team: int) -> None:
    events.add(team, {}, {}, {})
    events.insert("cohort_people", [member(team, 7, "0")])
    merge(events, team, "0", "1")
    assert events.passing(team, InCohort(7), has_overrides=True) == [0, 1]


# Groups


def test_a_group_property_is_that_of_the_group_the_event_names(events: Events, team: int) -> None:
    rows = [event(team, place, group_1=key) for place, key in enumerate(["a", "b", "x", ""])]
    events.insert("events", rows)
    stored, sent = property_texts({"tier": "gold"})
    group = {
        "team_id": team,
        "group_type_index": 1,
        "properties": stored,
        "sent": sent,
        "created_at": NOON,
        "version": 1,
    }
    silver, _ = property_texts({"tier": "silver"})
    events.insert(
        "groups",
        [
            group | {"group_key": "a"},
            group | {"group_key": "b", "properties": silver},
            group | {"group_key": "x", "group_type_index": 0},
        ],
    )
    gold = is_("group", "tier", "exact", "gold", group_type_index=1)
    assert events.passing(team, gold) == [0]
    not_gold = is_("group", "tier", "is_not", "gold", group_type_index=1)
    assert events.passing(team, not_gold) == [1, 2, 3]
