"""Marks of events and records that the numbers of any kind of insight depend on.

A kept result remembers them (services.common.insights.results.marks), so that it is known to be
current until one of them moves.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import assert_never

import msgspec

from services.common.insights.results import marks
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import Cohorts, ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
    any_names,
)
from services.query.events.expressions.parser import parse
from services.query.events.expressions.tree import ExpressionNode, Property

MOST_NAMES = 1_000
"""Of more, asking for any event is cheaper than asking for each of them."""

_encoder = msgspec.json.Encoder(order="deterministic")


def names_of(conditions: Iterable[AnyCondition]) -> frozenset[int] | None:
    """Marks of the only names that an event which meets any of them can have; None: of any name."""
    names = any_names(conditions)
    if names is None or len(names) > MOST_NAMES:
        return None
    return frozenset(marks.of_event(name) for name in names)


class ReadRecords(msgspec.Struct, frozen=True):
    """marks: of persons and groups. sessions: whether properties of sessions are read, which depend
    on all events of the session, whenever they were.
    """

    marks: frozenset[int]
    sessions: bool


def records_read(
    conditions: Iterable[AnyCondition], cohorts: Iterable[tuple[int, AnyCondition]]
) -> ReadRecords:
    """The records that these conditions read. cohorts: of a plan."""
    made_of = dict(cohorts)
    found, sessions = {marks.MERGES}, False
    waiting = list(conditions)
    read: set[int] = set()
    while waiting:
        condition = waiting.pop()
        match condition:
            case AllOf(conditions=parts) | AnyOf(conditions=parts):
                waiting += parts
            case PropertyIs(type="person", key=key):
                found.add(marks.of_person(key))
            case PropertyIs(type="group", key=key, group_type_index=index):
                found.add(marks.of_group(index or 0, key))
            case PropertyIs(type="session"):
                sessions = True
            case InCohort(cohort_id=number):
                found.add(marks.PERSONS_MADE)
                if number in made_of and number not in read:
                    read.add(number)
                    waiting.append(made_of[number])
            case Expression(text=text):
                found |= of_expression(parse(text))
            case PropertyIs() | EventNamed() | OnDays():
                pass
            case _:
                assert_never(condition)
    return ReadRecords(frozenset(found), sessions)


def of_expression(node: object) -> frozenset[int]:
    """Marks of the properties of persons that it reads."""
    return frozenset(marks.of_person(one.key) for one in _properties(node) if one.of == "person")


def _properties(node: object) -> Iterator[Property]:
    match node:
        case Property():
            yield node
        case ExpressionNode():
            for name in node.__struct_fields__:
                yield from _properties(getattr(node, name))
        case tuple():
            for part in node:
                yield from _properties(part)
        case _:
            return


# The other reads of a query, as conditions that read the same


def of_keys(keys: Iterable[Key]) -> Iterator[AnyCondition]:
    """Of a breakdown."""
    for key in keys:
        match key:
            case PropertyKey(of=of, name=name):
                yield PropertyIs(of, name, "is_set")
            case GroupKey(index=index, name=name):
                yield PropertyIs("group", name, "is_set", group_type_index=index)
            case ExpressionKey(text=text):
                yield Expression(text)
            case _:
                assert_never(key)


def of_cohorts(cohorts: Cohorts) -> Iterator[AnyCondition]:
    """Of a breakdown; 0 is everybody."""
    yield from (InCohort(number) for number, _ in cohorts if number)


def of_actor(actor: AnyActor) -> Iterator[AnyCondition]:
    if isinstance(actor, ExpressionActor):
        yield Expression(actor.text)


def records_of(actor: AnyActor) -> frozenset[int]:
    """Marks of everything that records of such actors say."""
    match actor:
        case PersonActor():
            return frozenset({marks.PERSONS})
        case GroupActor(index=index):
            return frozenset({marks.of_groups(index)})
        case ExpressionActor():
            return frozenset()
        case _:
            assert_never(actor)


def digest(*parts: object) -> bytes:
    """Of plain values, structs among them."""
    return hashlib.sha256(_encoder.encode(parts)).digest()
