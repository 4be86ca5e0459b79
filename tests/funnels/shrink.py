"""A mismatch made small: fewer actors, fewer events, a plainer funnel, as long as it stays one."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import assert_never
from uuid import UUID

import msgspec

from services.common.clickhouse import ClickHouse
from services.query.events.conditions import ALWAYS, EventNamed
from services.query.insights.funnels.plan import (
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
    View,
)
from tests.funnels.difference import Difference
from tests.funnels.engine import store
from tests.funnels.stories import END, START
from tests.funnels.worlds import Happened

Histories = Mapping[UUID, Happened]
Check = Callable[[ClickHouse, FunnelPlan, Histories], Awaitable[Difference | None]]
_fresh_teams = count(1_000_000)
MOST_TRIALS = 600


class Mismatch(msgspec.Struct, frozen=True):
    """check: what found the difference."""

    check: Check
    plan: FunnelPlan
    histories: Histories
    difference: Difference

    def __str__(self) -> str:
        return "\n".join(
            [
                f"funnel    {_funnel(self.plan)}",
                *(f"{actor}  {_history(events)}" for actor, events in self.histories.items()),
                f"reference {_plain(self.difference.expected)}",
                f"SQL       {_plain(self.difference.got)}",
            ]
        )


async def shrink(clickhouse: ClickHouse, found: Mismatch) -> Mismatch:
    """The smallest mismatch we can reach by leaving things out."""
    trials = count()

    async def still(plan: FunnelPlan, histories: Histories) -> Mismatch | None:
        if next(trials) > MOST_TRIALS:
            return None
        team_id = next(_fresh_teams)
        plan = msgspec.structs.replace(plan, team_id=team_id)
        await store(clickhouse, team_id, histories.items())
        differs = await found.check(clickhouse, plan, histories)
        return Mismatch(found.check, plan, histories, differs) if differs else None

    found = await _fewer_actors(found, still)
    while True:
        smaller = await _first(
            still,
            (
                *((found.plan, histories) for histories in _fewer_events(found.histories)),
                *((plan, found.histories) for plan in _plainer(found.plan)),
                *((found.plan, histories) for histories in _plain_uuids(found.histories)),
            ),
        )
        if smaller is None:
            return found
        found = smaller


Still = Callable[[FunnelPlan, Histories], Awaitable[Mismatch | None]]


async def _first(
    still: Still, candidates: tuple[tuple[FunnelPlan, Histories], ...]
) -> Mismatch | None:
    for plan, histories in candidates:
        if smaller := await still(plan, histories):
            return smaller
    return None


async def _fewer_actors(found: Mismatch, still: Still) -> Mismatch:
    parts = 2
    while len(found.histories) > 1:
        actors = list(found.histories.items())
        size = -(-len(actors) // parts)
        pieces = [dict(actors[i : i + size]) for i in range(0, len(actors), size)]
        rests = [dict([*actors[:i], *actors[i + size :]]) for i in range(0, len(actors), size)]
        smaller = await _first(still, tuple((found.plan, piece) for piece in [*pieces, *rests]))
        if smaller is not None:
            found, parts = smaller, 2
        elif size == 1:
            return found
        else:
            parts = min(2 * parts, len(actors))
    return found


def _fewer_events(histories: Histories) -> Iterator[Histories]:
    for actor, events in histories.items():
        for i in range(len(events)):
            yield {**histories, actor: (*events[:i], *events[i + 1 :])}


def _plain_uuids(histories: Histories) -> Iterator[Histories]:
    """Small uuids in the same order."""
    ranked = sorted(event.uuid for events in histories.values() for event in events)
    if ranked != [UUID(int=i) for i in range(1, len(ranked) + 1)]:
        yield {
            actor: tuple(
                msgspec.structs.replace(event, uuid=UUID(int=ranked.index(event.uuid) + 1))
                for event in events
            )
            for actor, events in histories.items()
        }


def _plainer(plan: FunnelPlan) -> Iterator[FunnelPlan]:
    """Without one of its rules, or a step."""
    replace = msgspec.structs.replace
    if plan.breakdown is not None:
        yield replace(plan, breakdown=None)
    if plan.filters != ALWAYS:
        yield replace(plan, filters=ALWAYS)
    for i in range(len(plan.exclusions)):
        yield replace(plan, exclusions=plan.exclusions[:i] + plan.exclusions[i + 1 :])
    for i, step in enumerate(plan.steps):
        if step.optional:
            plainer = (*plan.steps[:i], replace(step, optional=False), *plan.steps[i + 1 :])
            yield replace(plan, steps=plainer)
    n = len(plan.steps)
    if n > 2 and all(one.to_step < n - 1 for one in plan.exclusions):
        view = _shorter(plan.view, n - 1)
        if view is not None:
            yield replace(plan, steps=plan.steps[:-1], view=view)
    if isinstance(plan.view, TimesView):
        yield replace(plan, view=StepsView())
    if not isinstance(plan.view, TrendView) and (plan.date_from, plan.date_to) != (START, END):
        yield replace(plan, date_from=START - timedelta(seconds=1), date_to=END)


def _shorter(view: View, last: int) -> View | None:
    """The view of no more steps than these; None: it begins too late."""
    match view:
        case StepsView():
            return view
        case TrendView(from_step=since, to_step=to) | TimesView(from_step=since, to_step=to):
            if since >= last:
                return None
            return msgspec.structs.replace(view, to_step=min(to, last))
        case _:
            assert_never(view)


def _funnel(plan: FunnelPlan) -> str:
    def asked(condition: object) -> str:
        assert isinstance(condition, EventNamed)
        return "|".join(condition.names)

    steps = " → ".join(asked(s.matches) + ("?" if s.optional else "") for s in plan.steps)
    exclusions = [f"{asked(b.matches)} {b.from_step}…{b.to_step}" for b in plan.exclusions]
    rules = [plan.order, f"{_plain(plan.view)}", f"window {plan.window_seconds} s"]
    rules += [f"excludes {exclusion}" for exclusion in exclusions]
    if isinstance(plan.view, TrendView):
        rules += [plan.timezone]
    if isinstance(by := plan.breakdown, ByProperty):
        rules += [f"by {_plain(by.keys)} {_plain(by.attribution)}", f"limit {by.limit}"]
    if plan.filters != ALWAYS:
        rules += [f"only {asked(plan.filters)}"]
    if isinstance(plan.view, TrendView) and plan.view.hide_incomplete:
        rules += [f"complete at {(plan.now - START).total_seconds()} s"]
    since, until = ((at - START).total_seconds() for at in (plan.date_from, plan.date_to))
    return f"{steps}; {', '.join(rules)}; from {since} to {until} s"


def _history(events: Happened) -> str:
    ordered = sorted(events, key=lambda event: (event.at_us, event.uuid))
    return " ".join(
        f"{event.name}{event.at_us / 1_000_000:g}={'/'.join(event.value)}" for event in ordered
    )


def _plain(value: object) -> str:
    return str(msgspec.to_builtins(value))
