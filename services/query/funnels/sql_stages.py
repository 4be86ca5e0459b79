"""The general form of ordered and strict funnels: exclusions, optional steps, strictness.

One `arrayFold` over step numbers. Its state, for each event of an actor's array `a`: the start of
the newest attempt that stands at the step before, as it is just before the event (0: none). One
iteration finds who takes step k at which event, and who is spoilt on the way:

    touched   the attempt that would take k at this event
    spoiling  the attempt that this event bars from k
    clean     `touched` without those that were spoilt before
    arrivals  `clean` without those that stand at k already

and keeps the first good arrival, whether anybody got to k at all, and the arrivals' positions, from
which the path of the reported attempt is read backwards.
"""

from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_layout import Layout


def staged(
    plan: FunnelPlan, layout: Layout, carried: str, arrays: str, window: str, *, full: bool = False
) -> str:
    """`carried`, `times` of the reported attempts.

    arrays: `carried`, `a`, ties settled; in the full form `ids` too (sql_ties).
    """
    stages = _Stages(plan, layout, window, full)
    reached = (
        f"SELECT {carried}, a, {stages.fold()} AS acc, "
        f"arrayLastIndex(r -> r, acc.4) AS depth, acc.3[depth] AS last{stages.anchor()} "
        f"FROM ({arrays}) WHERE last > 0"
    )
    path = f"SELECT {carried}, a, depth, {stages.path()} AS path FROM ({reached})"
    # Not by a lambda: that would copy `a` for every step.
    steps = ", ".join(f"a[path[{k}]]" for k in range(1, layout.steps + 1))
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice([{steps}], 1, depth))"
    return f"SELECT {carried}, {times} AS times FROM ({path})"


class _Stages:
    def __init__(self, plan: FunnelPlan, layout: Layout, window: str, full: bool) -> None:
        self.plan = plan
        self.layout = layout
        self.window = window
        self.full = full
        self.strict = plan.order == "strict"
        self.barred = bool(plan.exclusions)
        self.optional = any(step.optional for step in plan.steps)

    @property
    def ids(self) -> int:
        """The place in `acc` of the ids, and behind them of what each attempt used."""
        return 7 if self.optional else 6

    def fold(self) -> str:
        """acc: a, starts, first good arrival per step, whether reached, positions[, anchors]."""
        layout, n = self.layout, self.layout.steps
        names, columns = [layout.each], layout.steps_in_order
        if self.barred:
            names += ["bar", "next_bar"]
            columns.append(layout.numbers([layout.barring(k) for k in range(1, n + 1)]))
            columns.append(layout.numbers([layout.barring(k + 1) for k in range(1, n + 1)]))
        if self.optional:
            names.append("optional")
            columns.append(layout.numbers([int(step.optional) for step in self.plan.steps]))
        arrivals = self.arrivals()
        arrived = f"arrayFilter((i, e) -> e > 0, arrayEnumerate(acc.1), {arrivals})"
        state = [
            self._if_anybody("acc.1"),
            self._if_anybody(self._next_starts()),
            f"arrayPushBack(acc.3, {self._good(arrivals)})",
            f"arrayPushBack(acc.4, arrayExists(e -> e > 0, {self.touched()}))",
            f"arrayPushBack(acc.5, {arrived})",
        ]
        initial = [
            "a",
            f"arrayMap(x -> {layout.start('x')}, a)",
            "emptyArrayUInt32()",
            "emptyArrayUInt8()",
            "[]::Array(Array(UInt32))",
        ]
        if self.optional:
            state.append(f"arrayPushBack(acc.6, arrayFilter(e -> e > 0, {arrivals}))")
            initial.append(f"[]::Array(Array({layout.type}))")
        if self.full:
            since, used = self._events_used(arrivals)
            state += map(self._if_anybody, (f"acc.{self.ids}", since, used))
            initial += [
                "ids",
                f"arrayMap(x -> {layout.number(0)}, a)",
                "arrayMap(x -> emptyArrayUInt32(), a)",
            ]
        return (
            f"arrayFold((acc, {', '.join(names)}) -> ({', '.join(state)}), "
            f"{', '.join(columns)}, ({', '.join(initial)}))"
        )

    def touched(self) -> str:
        takes = f"{self.layout.takes('x')} AND x - f <= {self.window}"
        if not self.full:
            return f"arrayMap((x, f) -> if({takes}, f, 0), acc.1, acc.2)"
        served = f"id > 0 AND since = {self.layout.start('x')} AND has(used, id)"
        return (
            f"arrayMap((x, f, id, since, used) -> if({takes} AND NOT ({served}), f, 0), "
            f"acc.1, acc.2, acc.{self.ids}, acc.{self.ids + 1}, acc.{self.ids + 2})"
        )

    def _events_used(self, arrivals: str) -> tuple[str, str]:
        """When the attempt that stands at k took its last step, and the ids it used then."""
        ids, since, used = (f"acc.{self.ids + i}" for i in range(3))
        start = self.layout.start("x")
        now = f"arrayMap(x -> {start}, acc.1)"
        with_this = (
            f"arrayMap((x, id, since, used) -> arrayPushBack(if(since = {start}, used, "
            f"emptyArrayUInt32()), id), acc.1, {ids}, {since}, {used})"
        )
        filled = (
            f"arrayShiftRight(arrayFill((v, e) -> e > 0, {value}, {arrivals}), 1)"
            for value in (now, with_this)
        )
        if not self.optional:
            return next(filled), next(filled)
        passed = f"optional AND (s = 0 OR x - s > {self.window})"
        standing = self._before(self.clean())
        since, used = (
            f"arrayMap((new, old, s, x) -> if({passed}, old, new), {new}, {old}, {standing}, acc.1)"
            for new, old in zip(filled, (since, used), strict=True)
        )
        return since, used

    def clean(self) -> str:
        if not self.barred:
            return self.touched()
        spoiling = (
            f"arrayMap((x, f, s) -> if({self.layout.has('x', 'bar')} AND x - f <= {self.window} "
            f"AND s != f, f, 0), acc.1, acc.2, {self._before(self.touched())})"
        )
        spoilt = f"arrayFill(e -> e > 0, {spoiling})"
        return f"arrayMap((e, s) -> if(e != s, e, 0), {self.touched()}, {spoilt})"

    def arrivals(self) -> str:
        clean = self.clean()
        return f"arrayMap((e, s) -> if(e != s, e, 0), {clean}, {self._before(clean)})"

    def _before(self, taken: str) -> str:
        """Who stands at k just before each event, from who takes k at it."""
        if not self.strict:
            return f"arrayShiftRight(arrayFill(e -> e > 0, {taken}), 1)"
        # An event that matches another step, or none, clears S[k]: its 0 spreads.
        stays = f"{self.layout.matches('x', 'step')} OR {self.layout.is_tied('x')}"
        return f"arrayShiftRight(arrayFill((e, x) -> e > 0 OR NOT ({stays}), {taken}, acc.1), 1)"

    def _next_starts(self) -> str:
        standing = self._before(self.clean())
        if not self.optional:
            return standing
        return (
            f"arrayMap((s, f, x) -> if(optional AND (s = 0 OR x - s > {self.window}), f, s), "
            f"{standing}, acc.2, acc.1)"
        )

    def _if_anybody(self, array: str) -> str:
        """The array, emptied when nobody got to k: nothing that follows will find anybody."""
        got_on = f"arrayExists(e -> e > 0, {self.touched()})"
        got_on += " OR optional" if self.optional else ""
        return f"if({got_on}, {array}, arrayResize({array}, 0))"

    def _good(self, arrivals: str) -> str:
        """The position of the first arrival that nothing spoils while it is the deepest; or 0."""
        if not self.barred:
            return f"arrayFirstIndex(e -> e > 0, {arrivals})"
        effective = (
            f"arrayMap((x, s) -> if({self.layout.has('x', 'next_bar')} AND s > 0, x, 0), "
            f"acc.1, {self._before(self.clean())})"
        )
        # From the event after the arrival's: an event bars who stands there before it.
        following = f"arrayShiftLeft(arrayReverseFill(y -> y > 0, {effective}), 1)"
        return (
            f"arrayFirstIndex((e, y) -> e > 0 AND (y = 0 OR y - e > {self.window}), "
            f"{arrivals}, {following})"
        )

    def anchor(self) -> str:
        """The start of the reported attempt, where the path needs it."""
        anchor = ", acc.6[depth][indexOf(acc.5[depth], last)] AS anchor"
        return anchor if self.optional else ""

    def path(self) -> str:
        """Positions in `a`, one per step up to `depth`; 0 for a step passed over."""
        before = "arrayReverse(arraySlice({}, 1, depth - 1))".format
        if not self.optional:
            return (
                "arrayFold((path, at) -> arrayPushFront(path, arrayLast(i -> i < path[1], at)), "
                f"{before('acc.5')}, [last])"
            )
        # The highest earlier step at which the reported attempt was standing then.
        found = "arrayLast((i, f) -> i < p.1 AND f = anchor, at, starts)"
        return (
            f"arrayFold((p, at, starts) -> (if({found} > 0, {found}, p.1), "
            f"arrayPushFront(p.2, {found})), "
            f"{before('acc.5')}, {before('acc.6')}, (last, [last])).2"
        )
