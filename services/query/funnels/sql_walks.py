"""The slow forms: an actor through the rules of funnels.md, event by event.

Only for what the stages cannot tell, and only for the actors concerned: an `arrayFold` over events
costs some twenty times more. The state is that of the rules. "For every step, highest first" is one
arrayMap over the steps, because what a step reads, no higher step has written.
"""

from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_layout import Layout, let

PARTLY, CLEAN, WHOLLY = 0, 1, 2
"""What exclusions did to the deepest step of a trend's entry."""


def entry_walk(plan: FunnelPlan, layout: Layout, window: str, events: str) -> str:
    """(S, spoilt, depth, time, mark, converted) of the entry that began at starts up to `until`.

    events: packed events of one actor, in the order in which a tie's events are taken.
    """
    at = _Event(plan, layout, window, plan.to_step)
    before, bad_before = "arrayShiftRight(s.1, 1)", "arrayShiftRight(bad, 1)"
    again = f"depth = 0 OR (depth = 1 AND mark != {CLEAN})"
    names = {
        "barred": (
            f"arrayMap((b, f, g, spoilt) -> b AND {at.open('g')} AND f != g AND NOT spoilt, "
            f"{at.bars}, s.1, {before}, arrayShiftRight(s.2, 1))"
        ),
        "taken": (
            f"arrayMap((t, f, g) -> t AND {at.open('g')} AND f != g, {at.takes}, s.1, {before})"
        ),
        "bad": "arrayMap((spoilt, b) -> spoilt OR b, s.2, arrayShiftLeft(barred, 1))",
        "top": "toUInt8(arrayLastIndex(t -> t, taken))",
        "struck": f"if(barred[s.3 + 1] AND x - s.4 <= {window}, toUInt8({PARTLY}), s.5)",
        "deeper": f"top > s.3 OR (top > 0 AND top = s.3 AND struck = {PARTLY})",
        "depth": "if(deeper, top, s.3)",
        "mark": f"if(deeper, if(bad[top - 1], toUInt8({WHOLLY}), toUInt8({CLEAN})), struck)",
        "goes": f"arrayMap((t, spoilt) -> t AND NOT spoilt, taken, {bad_before})",
        "first": f"{at.takes}[1] AND {at.now} <= until",
        "anew": f"first AND ({again})",
        "anchors": (
            "arrayMap((g, f, h, k) -> multiIf("
            f"k = 1 AND first, {at.now}, anew, 0, g, h, f), goes, s.1, {before}, {at.each})"
        ),
        "spoilt": (
            "arrayMap((g, spoilt, k) -> toUInt8(spoilt AND NOT (g OR anew OR (k = 1 AND first))), "
            f"goes, bad, {at.each})"
        ),
    }
    begun = f"if(deeper OR anew, {at.now}, s.4)"
    after = (
        f"({at.kept('anchors')}, spoilt, if(anew, toUInt8(1), depth), {begun}, "
        f"if(anew, toUInt8({CLEAN}), mark), toUInt8(goes[{plan.to_step}]))"
    )
    initial = (
        f"({at.nowhere}, {at.unspoilt}, toUInt8(0), {layout.number(0)}, "
        f"toUInt8({CLEAN}), toUInt8(0))"
    )
    return f"arrayFold((s, x) -> if(s.6, s, {let(names, after)}), {events}, {initial})"


def attempt_walk(plan: FunnelPlan, layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the reported attempts: the relation of sql_paths.

    arrays: `carried`, `a`, `ids`, as the full form has them (sql_ties).
    State: S, spoilt, paths and used events of the attempts in S; depth, anchor, spoilt and path of
    the best attempt.
    """
    at = _Event(plan, layout, window, layout.steps)
    optional = f"{[int(step.optional) for step in plan.steps]}::Array(UInt8)"
    names = {
        "standing": f"arrayMap(f -> {at.open('f')}, s.1)",
        "stops": f"arrayMap((o, optional) -> o OR NOT optional, standing, {optional})",
        # Where the attempt stands that would go on to step k; 0: none.
        "origin": (
            "arrayMap(j -> if(standing[j], j, 0), arrayMap(k -> toUInt8(arrayLastIndex("
            f"(stop, i) -> stop AND i < k, stops, {at.each})), {at.each}))"
        ),
        "begun": f"arrayMap((j, k) -> if(k = 1, {at.now}, s.1[j]), origin, {at.each})",
        "barred": (
            "arrayMap((b, j, f, g) -> b AND j > 0 AND f != g AND NOT s.2[j], "
            f"{at.bars}, origin, s.1, begun)"
        ),
        "hit": "arrayDistinct(arrayFilter((j, b) -> b, origin, barred))",
        "bad": f"arrayMap((spoilt, k) -> spoilt OR has(hit, k), s.2, {at.each})",
        "best_bad": f"s.7 OR (has(hit, s.5) AND x - s.6 <= {window})",
        "taken": (
            "arrayMap((t, k, j, f, g) -> t AND (k = 1 OR j > 0) AND f != g "
            f"AND NOT has(s.4[j], id), {at.takes}, {at.each}, origin, s.1, begun)"
        ),
        "spoilt": "arrayMap(j -> j > 0 AND bad[j], origin)",
        "top": "toUInt8(arrayLastIndex(t -> t, taken))",
        "better": "top > s.5 OR (top > 0 AND top = s.5 AND best_bad)",
        "goes": "arrayMap((t, spoilt) -> t AND NOT spoilt, taken, spoilt)",
        "paths": (
            "arrayMap((t, k, j, path) -> if(t, arrayPushBack(arrayResize(s.3[j], k - 1), "
            f"{layout.time('x')}), path), taken, {at.each}, origin, s.3)"
        ),
    }
    used = "if(id > 0, arrayPushBack(s.4[j], id), s.4[j])"
    after = ", ".join(
        (
            at.kept("arrayMap((g, h, f) -> if(g, h, f), goes, begun, s.1)"),
            "arrayMap((g, spoilt) -> toUInt8(spoilt AND NOT g), goes, bad)",
            "arrayMap((g, path, old) -> if(g, path, old), goes, paths, s.3)",
            f"arrayMap((g, j, old) -> if(g, {used}, old), goes, origin, s.4)",
            "if(better, top, s.5)",
            "if(better, begun[top], s.6)",
            "toUInt8(if(better, spoilt[top], best_bad))",
            "if(better, paths[top], s.8)",
        )
    )
    empty = layout.none
    initial = (
        f"({at.nowhere}, {at.unspoilt}, arrayWithConstant({layout.steps}, {empty}), "
        f"arrayWithConstant({layout.steps}, emptyArrayUInt32()), "
        f"toUInt8(0), {layout.number(0)}, toUInt8(0), {empty})"
    )
    fold = f"arrayFold((s, x, id) -> {let(names, f'({after})')}, a, ids, {initial})"
    return (
        f"SELECT {carried}, s.8 AS times FROM (SELECT {carried}, {fold} AS s FROM ({arrays})) "
        "WHERE s.5 > 0 AND NOT s.7"
    )


class _Event:
    """The text of what an event `x` is for each of the first steps."""

    def __init__(self, plan: FunnelPlan, layout: Layout, window: str, steps: int) -> None:
        numbers = range(1, steps + 1)
        every_step = layout.numbers([layout.step(k) for k in numbers])
        owns = layout.numbers([layout.own if k == layout.wanted else 0 for k in numbers])
        masks = layout.numbers([layout.barring(k) for k in numbers])
        match = layout.matches("x", "step")
        self.now = layout.start("x")
        self.each = f"{list(numbers)}::Array(UInt8)"
        self.takes = (
            f"arrayMap((step, own) -> {match} AND bitAnd(x, own) = own, {every_step}, {owns})"
        )
        self.bars = f"arrayMap(mask -> {layout.has('x', 'mask')}, {masks})"
        self.nowhere = f"arrayWithConstant({steps}, {layout.number(0)})"
        self.unspoilt = f"arrayWithConstant({steps}, toUInt8(0))"
        self._window = window
        self._stays = (
            f"arrayMap(step -> {match} OR {layout.is_tied('x')}, {every_step})"
            if plan.order == "strict"
            else None
        )

    def open(self, anchor: str) -> str:
        return f"{anchor} > 0 AND x - {anchor} <= {self._window}"

    def kept(self, anchors: str) -> str:
        """S after the event: strict funnels forget who stands at a step that it does not match."""
        if self._stays is None:
            return anchors
        return f"arrayMap((f, stays) -> if(stays, f, 0), {anchors}, {self._stays})"
