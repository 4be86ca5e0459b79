"""The general form of ordered and strict funnels: exclusions, optional steps, strictness.

One `arrayFold` over step numbers. Its state, for each event of an actor's array `a`: the start of
the newest attempt that stands at the step before, as it is just before the event (0: none). One
iteration finds who takes step k at which event, and who is spoilt on the way:

    touched   the attempt that would take k at this event
    spoiling  the attempt that this event bars from k
    marked    the starts, with the mark of those spoilt before it or by it
    clean     `touched` without those
    arrivals  `clean` without those that stand at k already

and keeps the first good arrival, whether anybody got to k at all, and the arrivals' positions, from
which the path of the reported attempt is read backwards.

Who passes optional steps over stands before several steps at once. What bars him from the first of
them spoils him for all, as his mark goes with his start into the next stages. That suffices if any
exclusion begins at a required step: then it bars from none without barring from those before it.
"""

from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_layout import Layout, let
from services.query.funnels.sql_ordered import kept

_SHORT = 4
"""So few steps are done before emptied arrays pay for being copied."""


def staged(
    plan: FunnelPlan, layout: Layout, carried: str, arrays: str, window: str, *, full: bool = False
) -> str:
    """`carried`, `times` of the reported attempts.

    arrays: `carried`, `a`, ties settled; in the full form `ids` too (sql_ties).
    """
    stages = Stages(plan, layout, window, full)
    # Nested, and not one SELECT of aliases: the analyzer would copy the fold into each use.
    folded = f"SELECT {carried}, a, {stages.fold()} AS acc FROM ({arrays})"
    deepest = f"SELECT {carried}, a, acc, arrayLastIndex(r -> r, acc.4) AS depth FROM ({folded})"
    reached = (
        f"SELECT {carried}, a, acc, depth, acc.3[depth] AS last{stages.anchor()} "
        f"FROM ({deepest}) WHERE {kept(carried, 'last > 0')}"
    )
    path = f"SELECT {carried}, a, depth, {stages.path()} AS path FROM ({reached})"
    # Not by a lambda: that would copy `a` for every step.
    steps = ", ".join(f"a[path[{k}]]" for k in range(1, layout.steps + 1))
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice([{steps}], 1, depth))"
    return f"SELECT {carried}, {times} AS times FROM ({path})"


class Stages:
    """The text of one stage, in which the array is acc.1 and the starts before it acc.2."""

    def __init__(self, plan: FunnelPlan, layout: Layout, window: str, full: bool = False) -> None:
        self.plan = plan
        self.layout = layout
        self.window = window
        self.full = full
        self.strict = plan.order == "strict"
        self.barred = bool(plan.exclusions)
        self.optional = any(step.optional for step in plan.steps)
        # Whether the path must know how long an attempt stood where it had arrived.
        self.cleared = self.strict and self.optional

    @property
    def ids(self) -> int:
        """The place in `acc` of the ids, and behind them of what each attempt used."""
        return 6 + self.optional + self.cleared

    def fold(self) -> str:
        """acc: a, starts, first good arrival per step, reached, positions[, anchors][, ends]."""
        layout, n = self.layout, self.layout.steps
        names, columns = [layout.each], layout.steps_in_order
        if self.barred:
            names += ["bar", "next_bar"]
            columns.append(layout.numbers([layout.barring(k) for k in range(1, n + 1)]))
            columns.append(layout.numbers([layout.barring(k + 1) for k in range(1, n + 1)]))
        if self.optional:
            names.append("optional")
            columns.append(f"{[int(step.optional) for step in self.plan.steps]}::Array(UInt8)")
        arrivals = self.arrivals()
        arrived = f"arrayFilter((i, e) -> e > 0, arrayEnumerate(acc.1), {arrivals})"
        state = [
            self.if_anybody("acc.1"),
            self.if_anybody(self._next_starts()),
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
        if self.cleared:
            ends = f"arrayFilter((end, e) -> e > 0, {self._ends()}, {arrivals})"
            state.append(f"arrayPushBack(acc.7, {ends})")
            initial.append("[]::Array(Array(UInt32))")
        if self.full:
            state += [self.if_anybody(f"acc.{self.ids}"), self.if_anybody(self._used(arrivals))]
            initial += ["ids", "arrayMap(x -> emptyArrayUInt32(), a)"]
        return (
            f"arrayFold((acc, {', '.join(names)}) -> {self.state(state)}, "
            f"{', '.join(columns)}, ({', '.join(initial)}))"
        )

    def touched(self, starts: str = "acc.2", only: str = "") -> str:
        takes = f"{self.layout.takes('x')} AND x - f <= {self.window}{only}"
        if not self.full:
            return f"arrayMap((x, f) -> if({takes}, f, 0), acc.1, {starts})"
        return (
            f"arrayMap((x, f, id, used) -> if({takes} AND NOT has(used, id), f, 0), "
            f"acc.1, {starts}, acc.{self.ids}, acc.{self.ids + 1})"
        )

    def _used(self, arrivals: str) -> str:
        """The ids of the events that the newest attempt at k has used, before each event."""
        ids, used = f"acc.{self.ids}", f"acc.{self.ids + 1}"
        with_this = f"arrayMap((id, u) -> if(id > 0, arrayPushBack(u, id), u), {ids}, {used})"
        filled = f"arrayShiftRight(arrayFill((u, e) -> e > 0, {with_this}, {arrivals}), 1)"
        if not self.optional:
            return filled
        passed = f"optional AND (s = 0 OR x - s > {self.window})"
        return (
            f"arrayMap((new, old, s, x) -> if({passed}, old, new), "
            f"{filled}, {used}, {self.before(self.clean)}, acc.1)"
        )

    def state(self, parts: list[str]) -> str:
        """The state after a step. Exclusions ask for `marked` at every turn: repeated each time, it
        made the engine take twice as long to analyse the statement; named, the fold takes a tenth
        longer.
        """
        state = f"({', '.join(parts)})"
        return let({"marked": self._marked()}, state) if self.barred else state

    def spoiling(self) -> str:
        return (
            f"arrayMap((x, f, s) -> if({self.layout.has('x', 'bar')} AND x - f <= {self.window} "
            f"AND s != f, f, 0), acc.1, acc.2, {self.before(self.touched())})"
        )

    @property
    def clean(self) -> str:
        if not self.barred:
            return self.touched()
        return self.touched("marked", f" AND {self.layout.unspoilt('f')}")

    def _marked(self) -> str:
        spoilt = f"arrayFill(e -> e > 0, {self.spoiling()})"
        return f"arrayMap((f, s) -> {self.layout.spoilt_if('f', 'f = s')}, acc.2, {spoilt})"

    def arrivals(self) -> str:
        return f"arrayMap((e, s) -> if(e != s, e, 0), {self.clean}, {self.before(self.clean)})"

    def before(self, taken: str) -> str:
        """Who stands at k just before each event, from who takes k at it."""
        if not self.strict:
            return f"arrayShiftRight({self.layout.newest(taken)}, 1)"
        # An event that matches another step, or none, clears S[k]: its 0 spreads.
        clears = f"NOT ({self._stays()})"
        return f"arrayShiftRight(arrayFill((e, x) -> e > 0 OR {clears}, {taken}, acc.1), 1)"

    def _stays(self) -> str:
        """Strict: whether S[k] outlives the event `x`."""
        return f"{self.layout.matches('x', 'step')} OR {self.layout.is_tied('x')}"

    def _ends(self) -> str:
        """Strict: for each event the position of the first from it on that clears S[k]; 0: none."""
        clearing = f"arrayMap((x, i) -> if({self._stays()}, 0, i), acc.1, arrayEnumerate(acc.1))"
        return f"arrayReverseFill(i -> i > 0, {clearing})"

    def _next_starts(self) -> str:
        standing = self.before(self.clean)
        if not self.optional:
            return standing
        passing = "marked" if self.barred else "acc.2"
        return (
            f"arrayMap((s, f, x) -> if(optional AND (s = 0 OR x - s > {self.window}), f, s), "
            f"{standing}, {passing}, acc.1)"
        )

    def if_anybody(self, array: str) -> str:
        """The array, emptied when nobody stood at the step before: nobody will at any later one."""
        if self.layout.steps <= _SHORT:
            return array
        return f"if(arrayExists(f -> f > 0, acc.2), {array}, arrayResize({array}, 0))"

    def _good(self, arrivals: str) -> str:
        """The position of the first arrival that nothing spoils while it is the deepest; or 0."""
        if not self.barred:
            return f"arrayFirstIndex(e -> e > 0, {arrivals})"
        effective = (
            f"arrayMap((x, s) -> if({self.layout.has('x', 'next_bar')} AND s > 0, x, 0), "
            f"acc.1, {self.before(self.clean)})"
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
        names, columns, stood = "at, starts", f"{before('acc.5')}, {before('acc.6')}", ""
        if self.cleared:
            names, columns = f"{names}, ends", f"{columns}, {before('acc.7')}"
            stood = " AND (end = 0 OR end >= p.1)"
        each = "i, f, end" if self.cleared else "i, f"
        found = f"arrayLast(({each}) -> i < p.1 AND f = anchor{stood}, {names})"
        return (
            f"arrayFold((p, {names}) -> (if({found} > 0, {found}, p.1), "
            f"arrayPushFront(p.2, {found})), {columns}, (last, [last])).2"
        )
