"""The slow forms: the rules of funnels.md applied to an actor event by event.

Only for the actors that the stages do not suffice for: an `arrayFold` over events costs some twenty
times more. The state is that of the rules. "For every step, highest first" is one arrayMap over the
steps, because no step reads a value that a higher one has written. Each turn of a fold has its
price, so `let` names little: the engine computes equal texts side by side once.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import let

PARTLY, CLEAN, WHOLLY = 0, 1, 2
"""The effect of exclusions on the deepest step of a trend's entry."""


def entry_walk(form: Form, goal: int, events: str) -> str:
    """(S, spoilt, depth, time, mark, converted) of the entry that began at starts up to `until`.

    goal: the trend's to_step. events: packed events of one actor, in the order in which a tie's
    events are taken.
    """
    layout, at = form.layout, _Event(form, goal)
    before, bad_before = "arrayShiftRight(s.1, 1)", "arrayShiftRight(bad, 1)"
    again = f"depth = 0 OR (depth = 1 AND mark != {CLEAN})"
    names = {
        "excluded": (
            f"arrayMap((e, f, g, spoilt) -> e AND {at.open('g')} AND f != g AND NOT spoilt, "
            f"{at.excludes}, s.1, {before}, arrayShiftRight(s.2, 1))"
        ),
        "taken": (
            f"arrayMap((t, f, g) -> t AND {at.open('g')} AND f != g, {at.takes}, s.1, {before})"
        ),
        "bad": "arrayMap((spoilt, e) -> spoilt OR e, s.2, arrayShiftLeft(excluded, 1))",
        "top": "toUInt8(arrayLastIndex(t -> t, taken))",
        "struck": f"if(excluded[s.3 + 1] AND {form.within('x', 's.4')}, toUInt8({PARTLY}), s.5)",
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
        f"if(anew, toUInt8({CLEAN}), mark), toUInt8(goes[{goal}]))"
    )
    initial = (
        f"({at.nowhere}, {at.unspoilt}, toUInt8(0), {layout.number(0)}, "
        f"toUInt8({CLEAN}), toUInt8(0))"
    )
    return f"arrayFold((s, x) -> if(s.6, s, {let(names, after)}), {events}, {initial})"


def attempt_walk(form: Form, arrays: Relation) -> Relation:
    """The keys, `times` of the reported attempts: the relation of paths.py.

    arrays: `a`, `ids`, as the full form has them (ties.py).
    State: S, paths and used events of the attempts in S; depth, start and path of the best attempt.
    """
    layout, keys = form.layout, form.keys
    at = _Event(form, layout.steps)
    optional = f"{[int(step.optional) for step in form.plan.steps]}::Array(UInt8)"
    stops = f"({at.open('f')} OR NOT optional)"

    def origin(values: str, *, standing: str, first: str) -> str:
        """For each step, the value of the attempt that would go on to it."""
        filled = f"arrayFill((v, f, optional) -> {stops}, {values}, {standing}, {optional})"
        return f"arrayShiftRight({filled}, 1, {first})"

    def coming(standing: str) -> str:
        opened = f"arrayMap(f -> if({at.open('f')}, f, 0), {standing})"
        return origin(opened, standing=standing, first=at.now)

    paths = origin("s.2", standing="s.1", first=layout.none)
    used = origin("s.3", standing="s.1", first="emptyArrayUInt32()")
    fresh = "bitOr(f, 1) != bitOr(g, 1)"
    excluded = (
        f"arrayMap((e, g, f) -> e AND g > 0 AND {layout.unspoilt('g')} AND {fresh}, "
        f"{at.excludes}, {coming('s.1')}, s.1)"
    )
    names = {
        "hit": (
            f"arrayShiftLeft(arrayReverseFill((e, f, optional) -> e OR {stops}, "
            f"{excluded}, s.1, {optional}), 1)"
        ),
        "standing": f"arrayMap((f, h) -> {layout.spoilt_if('f', 'h')}, s.1, hit)",
        "taken": (
            f"arrayMap((t, g, f, ids) -> t AND g > 0 AND {fresh} AND NOT has(ids, id), "
            f"{at.takes}, {coming('standing')}, standing, {used})"
        ),
    }
    begun = coming("standing")
    top = "toUInt8(arrayLastIndex(t -> t, taken))"
    best = f"bitOr(s.5, hit[s.4] AND s.1[s.4] > 0 AND {form.within('x', 's.5')})"
    better = f"{top} > s.4 OR ({top} > 0 AND {top} = s.4 AND NOT {layout.unspoilt(best)})"
    longer = (
        f"arrayMap((path, k) -> arrayPushBack(arrayResize(path, k - 1), {layout.time('x')}), "
        f"{paths}, {at.each})"
    )
    with_this = f"arrayMap(ids -> if(id > 0, arrayPushBack(ids, id), ids), {used})"
    goes = f"arrayMap((t, g) -> t AND {layout.unspoilt('g')}, taken, {begun})"

    def moved(new: str, old: str) -> str:
        return f"arrayMap((goes, new, old) -> if(goes, new, old), {goes}, {new}, {old})"

    after = ", ".join(
        (
            at.kept(moved(begun, "standing")),
            moved(longer, "s.2"),
            moved(with_this, "s.3"),
            f"if({better}, {top}, s.4)",
            f"if({better}, {begun}[{top}], {best})",
            f"if({better}, {longer}[{top}], s.6)",
        )
    )
    initial = (
        f"({at.nowhere}, arrayWithConstant({layout.steps}, {layout.none}), "
        f"arrayWithConstant({layout.steps}, emptyArrayUInt32()), "
        f"toUInt8(0), {layout.number(0)}, {layout.none})"
    )
    fold = f"arrayFold((s, x, id) -> {let(names, f'({after})')}, a, ids, {initial})"
    walked = arrays.only(*keys, s=fold).named("walked")
    return walked.where("s.4 > 0").where(layout.unspoilt("s.5")).only(*keys, times="s.6")


class _Event:
    """Texts about an event `x`, with an element for each of the first steps."""

    def __init__(self, form: Form, steps: int) -> None:
        layout, numbers = form.layout, range(1, steps + 1)
        every_step = layout.numbers([layout.step(k) for k in numbers])
        owns = layout.numbers([layout.own if k == layout.wanted else 0 for k in numbers])
        masks = layout.numbers([layout.exclusions_before(k) for k in numbers])
        match = layout.matches("x", "step")
        self.now = layout.start("x")
        self.each = f"{list(numbers)}::Array(UInt8)"
        self.takes = (
            f"arrayMap((step, own) -> {match} AND bitAnd(x, own) = own, {every_step}, {owns})"
        )
        self.excludes = f"arrayMap(mask -> {layout.has('x', 'mask')}, {masks})"
        self.nowhere = f"arrayWithConstant({steps}, {layout.number(0)})"
        self.unspoilt = f"arrayWithConstant({steps}, toUInt8(0))"
        self._form = form
        self._stays = (
            f"arrayMap(step -> {match} OR {layout.is_tied('x')}, {every_step})"
            if form.strict
            else None
        )

    def open(self, anchor: str) -> str:
        return f"{anchor} > 0 AND {self._form.within('x', anchor)}"

    def kept(self, anchors: str) -> str:
        """S after the event: strict funnels forget the attempts at steps that it does not match."""
        if self._stays is None:
            return anchors
        return f"arrayMap((f, stays) -> if(stays, f, 0), {anchors}, {self._stays})"
