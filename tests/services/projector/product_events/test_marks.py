"""The marks of a batch: which move, by values; and that no project has more than its share."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.insights.results import marks as named
from services.common.insights.results.marks import (
    MERGES,
    PERSONS,
    PERSONS_MADE,
    of_event,
    of_person,
)
from services.projector.product_events import marks
from services.projector.product_events.groups import Group
from services.projector.product_events.marks import of_changes, of_groups_changed
from services.projector.product_events.person_tables import ids_of
from services.projector.product_events.persons import Identities, KnownPersons, Person
from tests.services.projector.product_events.setup import NOON, Servers, event

ADA, BEN = UUID(int=1), UUID(int=2)
KNOWN = KnownPersons(
    {(1, "ada"): ADA, (1, "ben"): BEN, (1, "cy"): UUID(int=3)},
    {(1, ADA): Person({"plan": "free", "age": 1}, True, NOON), (1, BEN): Person({}, False, NOON)},
)


def moved(*events: object) -> set[int]:
    """By these events of project 1, whose persons are known as above."""
    identities = Identities(KNOWN)
    for one in events:
        identities.follow(1, one)  # type: ignore[arg-type]  # events of `event`
    found = of_changes(KNOWN, identities.changes())
    assert {team_id for team_id, _ in found} <= {1}
    return {mark for _, mark in found}


def test_somebody_new_moves_no_mark_whatever_is_told_of_them() -> None:
    assert moved(event(distinct_id="new", properties={"$set": {"plan": "pro"}})) == set()
    assert ids_of([(1, event(distinct_id="new"))]) == {(1, "new")}


def test_a_property_of_somebody_known_moves_its_own_mark() -> None:
    changed = moved(event(distinct_id="ada", properties={"$set": {"plan": "pro", "city": "Oslo"}}))
    assert changed == {PERSONS, of_person("plan"), of_person("city")}
    assert moved(event(distinct_id="ada", properties={"$set": {"plan": "free"}})) == set()
    unset = moved(event(distinct_id="ada", properties={"$unset": ["age"]}))
    assert unset == {PERSONS, of_person("age")}


def test_a_first_record_of_somebody_known_moves_the_mark_of_cohorts() -> None:
    assert moved(event(distinct_id="cy")) == {PERSONS, PERSONS_MADE}


def test_merges_and_new_ids_move_theirs() -> None:
    merged = moved(event("$create_alias", "ada", properties={"alias": "ben"}))
    assert MERGES in merged
    joined = moved(event("$create_alias", "ada", properties={"alias": "unheard of"}))
    assert joined == {PERSONS, of_person("distinct_id")}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"a": 1}, {"a": True}, {"a"}),
        ({"a": 1}, {"a": 1.0}, {"a"}),
        ({"a": [1]}, {"a": [1]}, set()),
        ({"a": None}, {}, {"a"}),
        ({}, {"b": None}, {"b"}),
    ],
)
def test_values_differ_when_they_are_written_differently(
    before: dict[str, object], after: dict[str, object], changed: set[str]
) -> None:
    assert marks.changed(before, after) == changed


def test_groups_move_the_marks_of_their_type() -> None:
    known = {(1, 0, "acme"): Group({"size": "big"}, NOON)}
    now = {(1, 0, "acme"): Group({"size": "big", "city": "Oslo"}, NOON)}
    assert of_groups_changed(known, now) == {
        (1, named.of_groups(0)), (1, named.of_group(0, "city")),
    }  # fmt: skip


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def version_of(servers: Servers, name: str) -> int:
    """The newest version that a reader of this name's events sees."""
    asked = ", ".join(map(str, named.read_as([of_event(name)])))
    rows = await servers.tables(
        f"SELECT coalesce(max(version), 0) FROM marks WHERE team_id = 1 AND mark IN ({asked})"
    )
    return int(rows[0][0])


async def test_made_up_names_grow_no_table_and_hide_no_arrival(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MOST_PER_PROJECT", 100)
    last = 0
    for batch in range(6):
        last = await servers.send(
            [event("busy"), *(event(f"made up {batch}-{n}") for n in range(150))]
        )
        await servers.projector().follow(until=last)
        assert await version_of(servers, f"made up {batch}-7") == last
    exact, whole = (await servers.tables(
        "SELECT count(*) FILTER (WHERE mark NOT BETWEEN 0 AND 255), count(*) FROM marks"
    ))[0]  # fmt: skip
    assert exact <= 100
    assert whole <= 100 + named.BUCKETS
    assert await version_of(servers, "busy") == last
    for batch in range(6):
        assert await version_of(servers, f"made up {batch}-7") > batch
    # Another project is not crowded by them.
    other = await servers.send([event("quiet")], team_id=2)
    await servers.projector().follow(until=other)
    assert await servers.tables("SELECT version FROM marks WHERE team_id = 2") == [(other,)]
