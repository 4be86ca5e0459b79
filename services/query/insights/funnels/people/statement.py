"""The actors behind a number: the relations that it is counted from, and one more filter."""

from collections.abc import Sequence

import msgspec

from services.common.clickhouse.relation import Piece, Relation, statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.moments import microseconds
from services.query.insights.funnels.people.selection import (
    OTHER,
    AtStep,
    EndedAt,
    InBin,
    InPeriod,
    Selection,
    Value,
    required_before,
)
from services.query.insights.funnels.plan import (
    ByCohort,
    ByProperty,
    FunnelPlan,
    StepsView,
    TimesView,
    TrendView,
)
from services.query.insights.funnels.statement.actors import (
    EVERY_FORM,
    Actors,
    Forms,
    actors_of,
    id_type,
)
from services.query.insights.funnels.statement.events import looked_at
from services.query.insights.funnels.statement.paths import paths
from services.query.insights.funnels.statement.trends import cells, period_key


def compile_actors(
    plan: FunnelPlan,
    selection: Selection,
    *,
    has_overrides: bool,
    limit: int,
    offset: int = 0,
    forms: Forms = EVERY_FORM,
) -> Statement:
    """Rows of `id` (text, ascending) and `times`, as in paths.py; [] for trends.

    In the row of merged values `value` too: the value that the actor is counted under.
    """
    bindings = Bindings()
    value = None if isinstance(selection, InBin) else selection.value
    plan = pointed_plan(plan, selection)
    actors = actors_of(plan, bindings, forms, has_overrides=has_overrides)
    shown = {"id": "toString(actor)", "times": "times"}
    # Which values are merged depends on all values and on those kept: two more mentions.
    found = paths(actors, mentions=3 if value == (OTHER,) else 1)
    match selection, plan.view:
        case AtStep(step=step), _:
            test = _stands(plan, step)
        case EndedAt(steps=steps), _:
            last = bindings.bind(list(steps), "Array(UInt32)")
            test = f"has({last}, arrayLastIndex(t -> t > 0, times))"
        case InPeriod(start=start, dropped_off=dropped_off), TrendView() as trend:
            found, shown["times"] = cells(actors, trend), "emptyArrayUInt64()"
            key = bindings.bind(period_key(plan, start), "UInt64")
            test = f"period = {key} AND {'NOT ' if dropped_off else ''}converted"
        case InBin() as bin_, TimesView() as view:
            test = _took(view, bin_, bindings)
        case _:
            raise ValueError("the funnel's view has no such number")
    selected = found.where(test)
    if value is not None:
        selected = selected.where(*_has_value(plan, value, bindings, found))
    if value == (OTHER,) and not isinstance(selection, InPeriod):
        shown["value"] = "value"
    page = f"{bindings.bind(limit, 'UInt64')} OFFSET {bindings.bind(offset, 'UInt64')}"
    return statement(selected.only(**shown).order("id", limit=page), bindings)


def pointed_plan(plan: FunnelPlan, selection: Selection) -> FunnelPlan:
    """The plan that the selected actors are looked for in: without its breakdown for a number of
    all values.
    """
    value = None if isinstance(selection, InBin) else selection.value
    return msgspec.structs.replace(plan, breakdown=None) if value is None else plan


def compile_history(
    plan: FunnelPlan,
    ids: Sequence[str],
    *,
    has_overrides: bool,
    at_us: Sequence[int] | None = None,
    limit: int | None = None,
) -> Statement:
    """The events of these actors that the funnel sees: rows of events.looked_at, by actor, time and
    uuid.

    at_us: only events of these instants. limit: most rows; None: all.
    """
    bindings = Bindings()
    actors = Actors(plan=plan, bindings=bindings, has_overrides=has_overrides)
    type_ = f"Array({id_type(plan)})"
    seen = looked_at(actors).where(f"actor IN {bindings.bind(list(ids), type_)}")
    if at_us is not None:
        seen = seen.where(f"at_us IN {bindings.bind(list(at_us), 'Array(Int64)')}")
    theirs = seen.named("theirs").change(actor="toString(actor)")
    return statement(
        theirs.order("actor", "at_us", "uuid", limit="" if limit is None else f"{limit:d}"),
        bindings,
    )


def _stands(plan: FunnelPlan, step: int) -> str:
    if step > 0:
        return f"times[{step:d}] > 0"
    return f"times[{required_before(plan, -step):d}] > 0 AND times[{-step:d}] = 0"


def _took(view: TimesView, selection: InBin, bindings: Bindings) -> str:
    since, until = f"times[{view.from_step}]", f"times[{view.to_step}]"
    low, high = (
        bindings.bind(seconds * 1_000_000, "Int64")
        for seconds in (selection.from_seconds, selection.to_seconds)
    )
    took = f"toInt64({until} - {since})"
    return f"{since} > 0 AND {until} > 0 AND {took} >= {low} AND {took} < {high}"


def _has_value(
    plan: FunnelPlan, value: Value, bindings: Bindings, found: Relation
) -> tuple[Piece, ...]:
    match plan.breakdown, value:
        case ByCohort(), int(cohort):
            return (f"value = {bindings.bind(cohort, 'Int64')}",)
        case ByProperty() as breakdown, tuple(texts):
            return _has_texts(plan, breakdown, texts, bindings, found)
        case _:
            raise ValueError("the funnel's breakdown has no such value")


def _has_texts(
    plan: FunnelPlan,
    breakdown: ByProperty,
    texts: tuple[str, ...],
    bindings: Bindings,
    found: Relation,
) -> tuple[Piece, ...]:
    several = len(breakdown.keys) > 1
    type_ = "Array(String)" if several else "String"
    same = f"value = {bindings.bind(list(texts) if several else texts[0], type_)}"
    steps = isinstance(plan.view, StepsView)
    if not (texts == (OTHER,) and steps and breakdown.merges_rest):
        return (same,)
    limit = bindings.bind(breakdown.limit, "UInt64")
    counts = [f"countIf(times[{k}] > 0) DESC" for k in range(1, len(plan.steps) + 1)]
    kept = found.group("value").order(*counts, "value", limit=limit)
    if several:
        return "value NOT IN ", kept
    # Without a merged row, "Other" can only be a value of that name.
    values = found.group(values="uniqExact(value)")
    return "(value NOT IN ", kept, f" OR ({same} AND ", values, f" <= {limit}))"


def base_us(plan: FunnelPlan) -> int:
    """The number to add to `times` for microseconds since 1970."""
    return microseconds(plan.date_from) - 1
