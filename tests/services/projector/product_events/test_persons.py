"""Who a distinct id is, on values alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projector.product_events.persons import (
    Changes,
    Id,
    Identities,
    KnownPersons,
    Person,
    PersonKey,
    can_merge,
    person_id,
)
from tests.services.projector.product_events.setup import NOON, event

A, B, C = (person_id(1, name) for name in "abc")


class Told:
    """Follows events, each as a batch of its own, as the tables would."""

    def __init__(self) -> None:
        self.ids: dict[Id, Any] = {}
        self.persons: dict[PersonKey, Person] = {}
        self.merged: dict[PersonKey, Any] = {}

    def tell(self, name: str, distinct_id: str, **properties: Any) -> "Told":
        identities = Identities(KnownPersons(self.ids, self.persons))
        identities.follow(1, event(name, distinct_id, properties=properties))
        self._keep(identities.changes())
        return self

    def identify(self, distinct_id: str, anonymous: str) -> "Told":
        return self.tell("$identify", distinct_id, **{"$anon_distinct_id": anonymous})

    def alias(self, distinct_id: str, alias: str, name: str = "$create_alias") -> "Told":
        return self.tell(name, distinct_id, alias=alias)

    def people(self) -> set[frozenset[str]]:
        by_person: dict[Any, set[str]] = {}
        for (_, name), person in self.ids.items():
            by_person.setdefault(person, set()).add(name)
        return {frozenset(names) for names in by_person.values()}

    def person(self, distinct_id: str) -> Person:
        return self.persons[1, self.ids[1, distinct_id]]

    def _keep(self, changes: Changes) -> None:
        self.ids |= changes.ids
        self.persons |= changes.persons
        for key in changes.removed:
            del self.persons[key]
        self.merged |= changes.merged


def people(*names: str) -> set[frozenset[str]]:
    """`people("ab", "c")`: a and b are one, c another."""
    return {frozenset(each) for each in names}


def test_an_id_is_a_person_of_its_own() -> None:
    told = Told().tell("visit", "a").tell("visit", "b").tell("visit", "a")
    assert told.people() == people("a", "b")
    assert told.ids[1, "a"] == A


def test_two_unknown_ids_become_one_new_person() -> None:
    told = Told().identify("a", "b")
    assert told.people() == people("ab")
    assert (told.ids[1, "b"], told.merged) == (A, {})


def test_a_known_person_gets_the_other_id() -> None:
    assert Told().tell("visit", "a").identify("a", "b").ids[1, "b"] == A
    assert Told().tell("visit", "b").identify("a", "b").ids[1, "a"] == B


def test_two_known_persons_are_merged_and_the_events_own_stays() -> None:
    told = (
        Told()
        .tell("visit", "a", **{"$set": {"plan": "mine", "only": "mine"}})
        .tell("visit", "b", **{"$set": {"plan": "theirs", "more": "theirs"}})
        .identify("a", "b")
    )
    assert told.people() == people("ab")
    assert told.merged == {(1, B): A}
    assert told.person("b").properties == {"plan": "mine", "only": "mine", "more": "theirs"}


def test_an_identified_person_joins_nobody_unless_forced() -> None:
    told = Told().identify("a", "x").identify("b", "y")
    assert told.alias("a", "b").people() == people("ax", "by")
    assert told.identify("a", "b").people() == people("ax", "by")
    assert told.alias("a", "b", "$merge_dangerously").people() == people("axby")


def test_an_identified_person_takes_others_in() -> None:
    told = Told().identify("a", "x").tell("visit", "c").alias("a", "c")
    assert told.people() == people("axc")


def test_an_alias_joins_the_person_of_the_distinct_id() -> None:
    told = Told().tell("visit", "a").tell("visit", "b").alias("a", "b")
    assert told.merged == {(1, B): A}


@pytest.mark.parametrize(
    "nobody",
    ["anonymous", "Guest", "DISTINCTID", "distinct_id", "id", "not_authenticated", "email",
     "undefined", "True", "false", "[object Object]", "NaN", "None", "none", "null", "0",
     '"null"', "'undefined'", '""', "' '", "$posthog_cookieless"],
)  # fmt: skip
def test_ids_that_stand_for_nobody_are_never_merged(nobody: str) -> None:
    assert not can_merge(nobody)
    told = Told().tell("visit", "a").tell("visit", nobody)
    assert told.identify("a", nobody).people() == {frozenset({"a"}), frozenset({nobody})}
    assert told.identify(nobody, "a").people() == {frozenset({"a"}), frozenset({nobody})}


def test_an_id_is_not_merged_with_itself() -> None:
    told = Told().tell("visit", "a").identify("a", "a")
    assert (told.people(), told.merged) == (people("a"), {})


def test_without_a_person_record_an_id_can_still_be_merged_later() -> None:
    told = Told().tell("visit", "b", **{"$process_person_profile": False})
    assert told.persons == {}
    told.tell("visit", "a").identify("a", "b")
    assert told.merged == {(1, B): A}
    assert set(told.persons) == {(1, A)}


def test_properties_without_a_person_record_are_not_kept() -> None:
    told = Told().tell("visit", "a", **{"$process_person_profile": False, "$set": {"x": 1}})
    assert told.persons == {}
    assert told.tell("visit", "a").person("a").properties == {}


def test_set_once_never_replaces_and_unset_comes_last() -> None:
    told = Told().tell("visit", "a", **{"$set_once": {"x": 1, "y": 1}, "$set": {"y": 2}})
    told.tell("visit", "a", **{"$set_once": {"x": 9}, "$set": {"z": 3}, "$unset": ["y", "z"]})
    assert told.person("a").properties == {"x": 1}


def test_teams_share_nobody() -> None:
    identities = Identities(KnownPersons({}, {}))
    for team_id in (1, 2):
        identities.follow(team_id, event(distinct_id="a"))
    assert len(set(identities.changes().ids.values())) == 2


def test_an_unchanged_person_is_not_written_again() -> None:
    known = KnownPersons({(1, "a"): A}, {(1, A): Person({"x": 1}, False, NOON)})
    identities = Identities(known)
    identities.follow(1, event(distinct_id="a", properties={"$set": {"x": 1}}))
    assert identities.changes() == Changes({}, {}, {}, frozenset())


names = st.sampled_from("abcde")
acts = st.tuples(st.sampled_from(["visit", "identify", "alias", "merge"]), names, names)


def _told(acts_: list[tuple[str, str, str]]) -> list[Any]:
    kinds = {
        "visit": ("visit", {}),
        "identify": ("$identify", {"$anon_distinct_id": None}),
        "alias": ("$create_alias", {"alias": None}),
        "merge": ("$merge_dangerously", {"alias": None}),
    }
    events = []
    for act, who, other in acts_:
        name, keys = kinds[act]
        properties = {**dict.fromkeys(keys, other), "$set": {who: other}}
        events.append(event(name, who, properties=properties))
    return events


@given(st.lists(acts, max_size=25), st.integers(min_value=1, max_value=7))
def test_batches_of_any_size_end_with_the_same_people(
    told: list[tuple[str, str, str]], size: int
) -> None:
    events = _told(told)
    whole = Identities(KnownPersons({}, {}))
    for one in events:
        whole.follow(1, one)
    expected = whole.changes()
    ids: dict[Id, Any] = {}
    persons: dict[PersonKey, Person] = {}
    merged: dict[PersonKey, Any] = {}
    for start in range(0, len(events), size):
        part = Identities(KnownPersons(ids, persons))
        for one in events[start : start + size]:
            part.follow(1, one)
        changes = part.changes()
        ids = ids | dict(changes.ids)
        persons = {
            k: v for k, v in (persons | dict(changes.persons)).items() if k not in changes.removed
        }
        merged = {k: changes.merged.get((k[0], v), v) for k, v in merged.items()} | dict(
            changes.merged
        )
    assert ids == expected.ids
    assert persons == expected.persons
    assert merged == expected.merged
    assert not {(1, target) for target in merged.values()} & set(merged)
    assert {(1, person) for person in ids.values()} == set(persons)
