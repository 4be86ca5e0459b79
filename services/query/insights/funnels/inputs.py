"""What a funnel's numbers hang on: events, records beside them, and what the clock decides."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from services.common.insights.results import marks
from services.query.events.actors import AnyActor, ExpressionActor, GroupActor, PersonActor
from services.query.events.breakdown import ExpressionKey, GroupKey, Key, PropertyKey
from services.query.events.conditions import (
    AllOf,
    AnyCondition,
    AnyOf,
    EventNamed,
    Expression,
    InCohort,
    OnDays,
    PropertyIs,
)
from services.query.events.expressions.parser import parse
from services.query.events.expressions.tree import Node, Property
from services.query.insights.funnels.correlation.question import (
    OfEventProperties,
    OfEvents,
    OfRecords,
    Question,
)
from services.query.insights.funnels.correlation.statement import Correlating, HasEvent
from services.query.insights.funnels.periods import last_period
from services.query.insights.funnels.plan import (
    Breakdown,
    ByCohort,
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
)
from services.query.insights.funnels.statement.layout import any_names
from services.query.results.computation import Inputs

MOST_NAMES = 1_000
"""Of more, asking for any event is cheaper than asking for each of them."""

_NO_TIME = datetime(1900, 1, 1, tzinfo=UTC)
_encoder = msgspec.json.Encoder(order="deterministic")


def of_funnel(plan: FunnelPlan, previous: FunnelPlan | None = None) -> Inputs:
    """previous: the period to compare with."""
    beside, sessions = _beside(plan, _conditions(plan))
    if sessions:
        # A session's properties are told by all of its events, whenever they were.
        return Inputs(events=None, since=None, until=None, beside=beside)
    since: datetime | None = min(plan.date_from, previous.date_from if previous else plan.date_from)
    if any(step.first_of is not None for step in plan.steps):
        since = None
    return Inputs(events=_marks(_names(plan)), since=since, until=plan.date_to, beside=beside)


def of_actors(plan: FunnelPlan, pointed: object) -> Inputs:
    """Of a page of the people behind a number: their records are shown."""
    inputs = of_funnel(plan)
    if isinstance(pointed, Correlating):
        # Whatever happened inside an attempt is looked at.
        inputs = msgspec.structs.replace(inputs, events=None)
        if isinstance(pointed.has, HasEvent):
            beside, sessions = _beside(plan, [pointed.has.condition])
            inputs = _joined(inputs, beside)
            if sessions:
                inputs = msgspec.structs.replace(inputs, since=None, until=None)
    return _joined(inputs, _records(plan.actor))


def of_correlation(plan: FunnelPlan, question: Question) -> Inputs:
    inputs = of_funnel(plan)
    match question:
        case OfEvents():
            return msgspec.structs.replace(inputs, events=None)
        case OfEventProperties(events=named):
            if inputs.events is None:
                return inputs
            events = inputs.events | {marks.of_event(name) for name in named}
            return msgspec.structs.replace(inputs, events=events)
        case OfRecords():
            return _joined(inputs, _records(plan.actor))
        case _:
            assert_never(question)


def clock(
    plan: FunnelPlan, previous: FunnelPlan | None = None, *others: object, pending: bool = False
) -> bytes:
    """A digest of what the numbers take from the clock besides the plan's own range.

    Two plans of one query have equal ones if the time between them makes no difference: no relative
    date of a filter, no period compared with and no period of a trend has moved. others: what the
    plan is looked at with. pending: whether open windows are counted.
    """
    told = msgspec.structs.replace(plan, date_from=_NO_TIME, date_to=_NO_TIME, now=_NO_TIME)
    ranges = [previous.date_from, previous.date_to] if previous is not None else []
    if pending:
        ranges.append(min(plan.now, plan.date_to))
    return hashlib.sha256(_encoder.encode([told, ranges, _last_period(plan), others])).digest()


def _last_period(plan: FunnelPlan) -> tuple[str, ...]:
    match plan.view:
        case TrendView() as trend:
            return last_period(plan, trend)
        case StepsView() | TimesView():
            return ()
        case _:
            assert_never(plan.view)


def _names(plan: FunnelPlan) -> frozenset[str] | None:
    """None: of any name."""
    if plan.order == "strict":
        return None
    entities = [step.matches if step.first_of is None else step.first_of for step in plan.steps]
    return any_names([*entities, *(bar.matches for bar in plan.exclusions)])


def _marks(names: frozenset[str] | None) -> frozenset[int] | None:
    if names is None or len(names) > MOST_NAMES:
        return None
    return frozenset(marks.of_event(name) for name in names)


def _conditions(plan: FunnelPlan) -> Iterator[AnyCondition]:
    yield plan.filters
    for step in plan.steps:
        yield step.matches
        yield step.entity
    for bar in plan.exclusions:
        yield bar.matches


def _beside(plan: FunnelPlan, conditions: Iterable[AnyCondition]) -> tuple[frozenset[int], bool]:
    """Marks of persons and groups; whether sessions are read."""
    cohorts = dict(plan.cohorts)
    found, sessions = {marks.MERGES}, False
    waiting = list(conditions)
    read: set[int] = set()
    if isinstance(plan.actor, ExpressionActor):
        waiting.append(Expression(plan.actor.text))
    if plan.breakdown is not None:
        waiting += _split_by(plan.breakdown)
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
                if number in cohorts and number not in read:
                    read.add(number)
                    waiting.append(cohorts[number])
            case Expression(text=text):
                found |= {
                    marks.of_person(one.key)
                    for one in _properties(parse(text))
                    if one.of == "person"
                }
            case PropertyIs() | EventNamed() | OnDays():
                pass
            case _:
                assert_never(condition)
    return frozenset(found), sessions


def _split_by(breakdown: Breakdown) -> Iterator[AnyCondition]:
    """Conditions that read what the breakdown reads."""
    match breakdown:
        case ByCohort(cohorts=cohorts):
            yield from (InCohort(number) for number, _ in cohorts if number)
        case ByProperty(keys=keys):
            yield from (_is_set(key) for key in keys)
        case _:
            assert_never(breakdown)


def _is_set(key: Key) -> AnyCondition:
    match key:
        case PropertyKey(of=of, name=name):
            return PropertyIs(of, name, "is_set")
        case GroupKey(index=index, name=name):
            return PropertyIs("group", name, "is_set", group_type_index=index)
        case ExpressionKey(text=text):
            return Expression(text)
        case _:
            assert_never(key)


def _properties(node: object) -> Iterator[Property]:
    match node:
        case Property():
            yield node
        case Node():
            for name in node.__struct_fields__:
                yield from _properties(getattr(node, name))
        case tuple():
            for part in node:
                yield from _properties(part)
        case _:
            return


def _records(actor: AnyActor) -> frozenset[int]:
    """Of everything that records of such actors say."""
    match actor:
        case PersonActor():
            return frozenset({marks.PERSONS})
        case GroupActor(index=index):
            return frozenset({marks.of_groups(index)})
        case ExpressionActor():
            return frozenset()
        case _:
            assert_never(actor)


def _joined(inputs: Inputs, beside: frozenset[int]) -> Inputs:
    return msgspec.structs.replace(inputs, beside=inputs.beside | beside)
