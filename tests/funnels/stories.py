"""Funnels and histories as one line of text: `told("A B C", "A0 B7 A8 B9 C18")`.

An event is letters and a second: `AB3` matches what asks for A and what asks for B; `U1` is
unrelated unless somebody asks for U; `A0=x` has the breakdown value x. uuids rise with the text.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, assert_never
from uuid import UUID

import msgspec

from services.query.events.breakdown import PropertyKey
from services.query.events.conditions import ALWAYS, AnyCondition, EventNamed
from services.query.insights.funnels.oracle import History, OracleEvent
from services.query.insights.funnels.plan import (
    ByProperty,
    Exclusion,
    FunnelPlan,
    Interval,
    Step,
    StepsView,
    TimesView,
    TrendView,
    View,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
PLAN = PropertyKey("event", "plan")
BY_PROPERTY = ByProperty(keys=(PLAN,))
Viz = Literal["steps", "trends", "time_to_convert"]


class Event(msgspec.Struct, frozen=True):
    """at_us: microseconds after START."""

    name: str
    at_us: int
    uuid: UUID
    value: tuple[str, ...] = ()


def told(steps: str, history: str, **rules: Any) -> tuple[FunnelPlan, History]:
    """A funnel and what one actor did."""
    events = parse(history)
    plan = funnel(steps, names={event.name for event in events}, **rules)
    return plan, seen(plan, events)


def crowd(steps: str, *histories: str, **rules: Any) -> tuple[FunnelPlan, dict[str, History]]:
    """A funnel and what many did, under the ids "1", "2" …"""
    parsed = [parse(history) for history in histories]
    plan = funnel(steps, names={event.name for events in parsed for event in events}, **rules)
    return plan, {str(i): seen(plan, events) for i, events in enumerate(parsed, start=1)}


def parse(history: str) -> list[Event]:
    events = []
    for number, token in enumerate(history.split(), start=1):
        found = re.fullmatch(r"([A-Z]+)([\d.]+)(?:=(.*))?", token)
        assert found, f"not an event: {token}"
        name, second, value = found.groups()
        at_us = round(float(second) * 1_000_000)
        events.append(Event(name, at_us, UUID(int=number), () if value is None else (value,)))
    return events


def funnel(
    steps: str,
    *,
    names: Iterable[str] = (),
    window: int = 10,
    optional: Iterable[int] = (),
    exclusions: Iterable[tuple[str, int, int]] = (),
    viz: Viz = "steps",
    from_step: int = 1,
    to_step: int | None = None,
    interval: Interval = "day",
    hide_incomplete: bool = False,
    bins: int | None = None,
    **changes: Any,
) -> FunnelPlan:
    """steps: one letter each; names: every event's name.

    optional: steps from 1. exclusions: letter, from and to as on the wire, from 0. viz … bins: the
    view; to_step: None: the last. changes: fields of the plan as they are.
    """
    letters, pool = steps.split(), sorted({*names, *steps.split()})

    def asked(letter: str) -> EventNamed:
        return EventNamed(tuple(name for name in pool if letter in name))

    made = FunnelPlan(
        team_id=1,
        steps=tuple(
            Step(
                matches=asked(letter),
                entity=asked(letter),
                optional=k in tuple(optional),
                action_id=letter,
                name=letter,
            )
            for k, letter in enumerate(letters, start=1)
        ),
        exclusions=tuple(
            Exclusion(matches=asked(letter), from_step=since, to_step=to)
            for letter, since, to in exclusions
        ),
        view=_view(viz, from_step, to_step or len(letters), interval, hide_incomplete, bins),
        window_seconds=window,
        date_from=START,
        date_to=END,
        now=END + timedelta(days=1),
    )
    return msgspec.structs.replace(made, **changes)


def _view(
    viz: Viz,
    from_step: int,
    to_step: int,
    interval: Interval,
    hide_incomplete: bool,
    bins: int | None,
) -> View:
    match viz:
        case "steps":
            return StepsView()
        case "trends":
            return TrendView(
                from_step=from_step,
                to_step=to_step,
                interval=interval,
                hide_incomplete=hide_incomplete,
            )
        case "time_to_convert":
            return TimesView(from_step=from_step, to_step=to_step, bins=bins)
        case _:
            assert_never(viz)


def seen(plan: FunnelPlan, events: Iterable[Event]) -> History:
    """What the reference sees of these events."""
    since_us = (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return tuple(
        OracleEvent(
            at_us=since_us + event.at_us,
            uuid=event.uuid,
            steps=frozenset(
                k for k, step in enumerate(plan.steps, start=1) if is_named(step.matches, event)
            ),
            exclusions=frozenset(
                i
                for i, exclusion in enumerate(plan.exclusions)
                if is_named(exclusion.matches, event)
            ),
            value=event.value,
        )
        for event in events
    )


def is_named(condition: AnyCondition, event: Event) -> bool:
    """These funnels ask for names only."""
    if condition == ALWAYS:
        return True
    assert isinstance(condition, EventNamed)
    return event.name in condition.names
