"""What stands beside an event: its person, group, session, cohorts, clicked elements."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.product_events import property_texts
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    ALWAYS,
    AllOf,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
)
from services.query.events.source import Source
from services.query.insights.funnels.plan import Step
from services.query.insights.funnels.statement.steps import is_step
from tests.services.query.conftest import NOON, Events, event, uid


def person(team_id: int, name: str, sent: dict[str, Any], **of: Any) -> dict[str, Any]:
    stored, whole = property_texts(sent)
    return {
        "team_id": team_id,
        "person_id": uid(f"person {name}"),
        "properties": stored,
        "sent": whole,
        "is_identified": True,
        "created_at": NOON,
        "deleted": False,
        "version": 1,
    } | of


def is_(type_: Any, key: str, operator: Any, *values: Any, **of: Any) -> PropertyIs:
    return PropertyIs(type_, key, operator, values, **of)


@pytest.fixture
def team(events: Events) -> int:
    return events.team()


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


def merge(events: Events, team_id: int, source: str, target: str) -> None:
    row = {
        "team_id": team_id,
        "person_id": uid(f"person {source}"),
        "target_id": uid(f"person {target}"),
        "version": 1,
    }
    events.insert("person_overrides", [row])


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


def member(team_id: int, cohort_id: int, name: str, **of: Any) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "cohort_id": cohort_id,
        "person_id": uid(f"person {name}"),
        "version": 1,
        "member": True,
    } | of


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


# Sessions


@pytest.fixture
def visits(events: Events, team: int) -> int:
    """Session "long": pages /a then /b, 30 s; "short": page /c once; events 3 and 4 without."""

    def at(seconds: int, **of: Any) -> dict[str, Any]:
        return {"timestamp": NOON + timedelta(seconds=seconds)} | of

    pages = [("long", 0, "/a?x=1"), ("long", 30, "/b"), ("short", 5, "/c")]
    rows = [
        event(
            team, place, {"$current_url": f"https://x.y{path}"}, **at(seconds, session_id=session)
        )
        for place, (session, seconds, path) in enumerate(pages)
    ]
    rows += [event(team, 3, {"$current_url": "https://x.y/d"}), event(team, 4)]
    views = [
        event(
            team, "$pageview", {}, **at(seconds, session_id=s, uuid=uid(f"{team} view {seconds}"))
        )
        for s, seconds in (("long", 1), ("long", 29), ("short", 5))
    ]
    events.insert("events", rows)
    events.insert("events", views)
    return team


@pytest.mark.parametrize(
    ("key", "operator", "value", "passing"),
    [
        ("$session_duration", "gt", 29, [0, 1]),
        ("$session_duration", "exact", 0, [2]),
        ("$pageview_count", "exact", "2", [0, 1]),
        ("$is_bounce", "exact", "true", [2]),
        ("$entry_current_url", "exact", "https://x.y/a?x=1", [0, 1]),
        ("$entry_pathname", "exact", "/a", [0, 1]),
        ("$end_current_url", "icontains", "/B", [0, 1]),
        ("$end_pathname", "exact", "/b", [0, 1]),
        ("$start_timestamp", "is_date_after", "2024-01-10T12:00:04+00:00", [2]),
        ("$end_timestamp", "is_date_exact", "2024-01-10T12:00:30+00:00", [0, 1]),
        ("$entry_pathname", "is_not", "/a", [2, 3, 4]),
        ("$session_duration", "is_set", None, [0, 1, 2]),
    ],
)
def test_session_properties_are_those_of_all_its_events(
    events: Events, visits: int, key: str, operator: Any, value: Any, passing: list[int]
) -> None:
    values = () if value is None else (value,)
    condition = PropertyIs("session", key, operator, values)
    assert events.passing(visits, condition) == passing


# Clicked elements

CHAIN = (
    'a.btn.primary:attr__class="btn primary"attr__href="/go"attr_id="buy"href="/go"'
    'nth-child="2"nth-of-type="1"text="Buy \\"now\\"";'
    'div.box:nth-child="1"nth-of-type="1";body:nth-child="1"'
)


@pytest.mark.parametrize(
    ("key", "operator", "value", "passes"),
    [
        ("tag_name", "exact", "a", True),
        ("tag_name", "exact", "div", True),
        ("tag_name", "exact", "go", False),
        ("tag_name", "is_not", "a", False),
        ("tag_name", "is_not", "button", True),
        ("href", "exact", "/go", True),
        ("href", "icontains", "GO", True),
        ("text", "exact", 'Buy \\"now\\"', True),
        ("text", "regex", "^Buy", True),
        ("text", "exact", "Buy", False),
        ("text", "is_set", None, True),
    ],
)
def test_any_element_of_the_chain_will_do(
    events: Events, team: int, key: str, operator: Any, value: Any, passes: bool
) -> None:
    events.add(team, {"$elements_chain": CHAIN})
    values = () if value is None else (value,)
    passing = events.passing(team, PropertyIs("element", key, operator, values))
    assert passing == ([0] if passes else [])


def test_tags_stand_alone_or_before_what_is_quoted(events: Events, team: int) -> None:
    chains = ["img;svg", 'a:text="x;svg;y";p', 'p:attr__title="say \\";svg:"']
    events.add(team, *({"$elements_chain": chain} for chain in chains))
    passing = {tag: events.passing(team, is_("element", "tag_name", "exact", tag)) for tag in "ap"}
    assert passing == {"a": [1], "p": [1, 2]}
    assert events.passing(team, is_("element", "tag_name", "exact", "svg")) == [0]
    assert events.passing(team, is_("element", "tag_name", "exact", "img")) == [0]


def test_an_event_without_elements_passes_only_negative_filters(events: Events, team: int) -> None:
    events.add(team, {})
    assert events.passing(team, is_("element", "text", "exact", "")) == []
    assert events.passing(team, is_("element", "text", "is_not", "Buy")) == [0]


# First-time mathematics


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


# Values


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


# Expressions


@pytest.mark.parametrize(
    ("expression", "passing"),
    [
        ("properties.n > 4", [1]),
        ("properties.n = '5'", [1]),
        ("properties['n'] >= 4.0", [0, 1]),
        ("properties.plan = 'pro'", [0]),
        ("properties.plan != 'pro'", [1, 2, 3]),
        ("properties.plan like 'p%'", [0]),
        ("properties.plan not ilike 'P_O'", [1, 2, 3]),
        (r"concat(properties.plan, '\\') like '%o\\'", [0]),
        (r"concat(properties.plan, '\\') ilike concat('P%', '\\')", [0]),
        (r"concat(properties.plan, '\\') like concat('p%', '\\\\')", [0]),
        (r"concat(properties.plan, '%') like concat('pro', '\\', '%')", [0]),
        ("properties.plan in ('pro', 'free')", [0, 1]),
        ("properties.plan is null", [2, 3]),
        ("properties.plan = null", [2, 3]),
        ("properties.n is not null and not properties.plan = 'pro'", [1, 2]),
        ("properties.n + 1 = 5 or properties.n * 2 = 10", [0, 1]),
        ("-properties.n / 2 < -2", [1]),
        ("1 / 0 > 0", []),
        ("toFloat(properties.text) = 2.5", [2]),
        ("toInt(properties.text) = 2", [2]),
        ("toString(properties.n) = '4'", [0]),
        ("lower(properties.plan) = upper('pro')", []),
        ("upper(properties.plan) = 'PRO'", [0]),
        ("coalesce(properties.plan, 'none') = 'none'", [2, 3]),
        ("if(properties.n > 4, 'big', 'small') = 'big'", [1]),
        ("concat(properties.plan, '-', properties.n) = 'pro-4'", [0]),
        ("concat(properties.plan, 'x') = 'x'", [2, 3]),
        ("length(properties.plan) = 4", [1]),
        ("event = '1'", [1]),
        ("distinct_id = 'd2'", [2]),
        ("timestamp > '2024-01-10 11:00:00'", [0, 1, 2, 3]),
        ("timestamp < '2024-01-10'", []),
        ("properties.ok", [0]),
        ("properties.ok = true", [0]),
        ("not properties.ok", [1, 2, 3]),
        ("true", [0, 1, 2, 3]),
        ("person_id is null", []),
        ("'it''s' = 'it\\'s'", [0, 1, 2, 3]),
        ('properties."a b" = 1', [3]),
        ("properties.`a b` = 1", [3]),
        ("(properties.n > 4) = true", [1]),
        ("person.properties.age is null", [0, 1, 2, 3]),
        ("person.properties.age is null and properties.n = 4", [0]),
    ],
)
def test_expressions_of_the_subset(
    events: Events, team: int, expression: str, passing: list[int]
) -> None:
    sent: list[dict[str, Any]] = [
        {"n": 4, "plan": "pro", "ok": True},
        {"n": 5, "plan": "free", "ok": False},
    ]
    events.add(team, *sent, {"n": 1, "text": "2.5"}, {"a b": 1})
    assert events.passing(team, Expression(expression)) == passing
