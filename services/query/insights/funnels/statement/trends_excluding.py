"""Trends with exclusions, ordered or strict: each actor goes through the stages once per period.

The effect of exclusions on an entry depends on the time of its deepest step, which the backward
walk of trends.py does not know. An entry's depth is the last step that any of its attempts got to,
spoilt or not. Its mark follows from the first arrival there that no exclusion strikes within a
window of its time: clean, or wholly spoilt if that attempt was; without such an arrival: partly.
"""

from collections.abc import Callable

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.plan import TrendView
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout, let
from services.query.insights.funnels.statement.stage import at_turn, if_anybody
from services.query.insights.funnels.statement.walks import CLEAN, PARTLY, WHOLLY, entry_walk


def entries_with_exclusions(
    form: Form, trend: TrendView, arrays: Relation, period_of: Callable[[str], str]
) -> Relation:
    """The cells of trends.py."""
    layout, keys = form.layout, form.keys
    of_starts = f"arrayMap(s -> {period_of(layout.time('s'))}, starts)"
    periods = (
        arrays.add(starts=_starts(layout), in_period=of_starts)
        .named("starts")
        .each(period="arrayDistinct(in_period)")
        .only(
            *(*keys, "a", "period"),
            reborn=_reborn(layout),
            since="starts[indexOf(in_period, period)]",
            until="starts[arrayLastIndex(p -> p = period, in_period)]",
        )
    )
    # Only events in reach of attempts that begin between the period's first and last start.
    within = periods.named("periods").only(
        *(*keys, "period", "until", "reborn"),
        a=f"arrayFilter(x -> x >= since AND {form.within('x', 'until')}, a)",
    )
    entries = _entries(form, trend.to_step, within.named("within"))
    lost = f"max(NOT converted AND mark = {WHOLLY}) OVER (PARTITION BY {', '.join(keys)})"
    seen = f"depth >= {trend.from_step} AND mark != {PARTLY} AND NOT lost"
    outcomes = entries.add(lost=lost).named("outcomes")
    return outcomes.where(f"(converted OR ({seen}))").only(
        *(*keys, "period", "converted"), entered="toUInt8(1)", newest=layout.time("until")
    )


def _entries(form: Form, goal: int, within: Relation) -> Relation:
    """The keys, `period`, `until`, `depth`, `mark`, `converted` of each entry: by the walk if it
    is reborn, else by the stages.
    """
    walks = _may_be_reborn(form.layout)
    folded = {"acc": _fold(form, goal, _only("NOT reborn", walks))}
    if walks:
        folded["walked"] = entry_walk(form, goal, _only("reborn", walks))
    deepest = (
        within.add(**folded).named("folded").add(deepest="toUInt8(arrayLastIndex(r -> r, acc.5))")
    )
    results = {
        "depth": ("walked.3", "deepest"),
        "mark": ("walked.5", f"if(deepest = {goal}, {WHOLLY}, acc.4[deepest + 1])"),
        "converted": ("walked.6", "acc.6"),
    }
    columns = {
        name: f"if(reborn, {slow}, {quick})" if walks else quick
        for name, (slow, quick) in results.items()
    }
    return deepest.named("deepest").only(*form.keys, "period", "until", **columns).named("marked")


def _only(which: str, walks: bool) -> str:
    """The events, where only some arrays go this way."""
    return f"if({which}, a, arrayResize(a, 0))" if walks else "a"


def _may_be_reborn(layout: Layout) -> bool:
    return layout.overlapping or layout.steps_exclude


def may_be_reborn(layout: Layout) -> str | None:
    """The test of arrays `a` that may have a reborn entry and go by the walk; None: none do."""
    if not _may_be_reborn(layout):
        return None
    starts = _starts(layout)
    return f"length(arrayDistinct({starts})) < length({starts})"


def _starts(layout: Layout) -> str:
    first = layout.matches("x", layout.number(layout.step(1)))
    if layout.wanted == 1:
        first += f" AND {layout.has('x', layout.number(layout.own))}"
    return f"arrayMap(x -> {layout.start('x')}, arrayFilter(x -> {first}, a))"


def _reborn(layout: Layout) -> str:
    """Whether two attempts may begin at one instant, and an exclusion strike between them.

    The stages tell attempts apart by their time alone.
    """
    return "length(arrayDistinct(starts)) < length(starts)" if _may_be_reborn(layout) else "0"


def _fold(form: Form, goal: int, events: str) -> str:
    """acc: a, starts, the last step's kinds of arrival, marks, whether reached, converted.

    goal: the trend's to_step. The mark of a step is made in the iteration of the next, from the
    exclusions before that one.
    """
    layout = form.layout
    at = at_turn(form, events="acc.1", starts="acc.2")
    touched, clean = at.touched(), at.clean("marked")
    standing = at.before(clean)
    kinds = (
        f"arrayMap((t, c, s) -> multiIf(t = 0 OR t = s, 0, c > 0, {CLEAN}, {WHOLLY}), "
        f"{touched}, {clean}, {standing})"
    )
    spoiling = at.spoiling(at.before(touched))
    before = f"arrayShiftRight(arrayFill(s -> s > 0, {spoiling}), 1)"
    strikes = f"arrayMap((s, b, x) -> if(s > 0 AND s != b, x, 0), {spoiling}, {before}, acc.1)"
    following = f"arrayShiftLeft(arrayReverseFill(y -> y > 0, {strikes}), 1)"
    unstruck = f"kind > 0 AND (y = 0 OR y - {layout.start('x')} > {form.window})"
    mark = f"arrayFirst((kind, x, y) -> {unstruck}, acc.3, acc.1, {following})"
    columns = [f"arraySlice({column}, 1, {goal})" for column in layout.steps_in_order]
    columns.append(layout.numbers([layout.exclusions_before(k) for k in range(1, goal + 1)]))
    start = layout.start("x")
    state = [
        if_anybody(at, at.events),
        if_anybody(at, standing),
        if_anybody(at, kinds),
        f"arrayPushBack(acc.4, {mark})",
        f"arrayPushBack(acc.5, arrayExists(t -> t > 0, {touched}))",
        f"has({kinds}, {CLEAN})",
    ]
    initial = [
        events,
        f"arrayMap(x -> if({start} <= until, {start}, 0), {events})",
        f"arrayMap(x -> toUInt8(0), {events})",
        "emptyArrayUInt8()",
        "emptyArrayUInt8()",
        "toUInt8(0)",
    ]
    after = let({"marked": at.marked(spoiling)}, f"({', '.join(state)})")
    return (
        f"arrayFold((acc, {layout.each}, exclusions) -> {after}, "
        f"{', '.join(columns)}, ({', '.join(initial)}))"
    )
