"""The general form of ordered and strict funnels: exclusions, optional steps, strictness.

Step by step. The state, for each event of an actor's array `a`: the start of the newest attempt
that stands at the step before, as it is just before the event (0: none). A stage (stage.py) finds
who takes step k at which event, and who is spoilt on the way. Of each, the first good arrival is
kept, whether anybody got to k at all, and the arrivals' positions, from which the path of the
reported attempt is read backwards.

Who passes optional steps over stands before several steps at once. What bars him from the first of
them spoils him for all, as his mark goes with his start into the next stages. That suffices if any
exclusion begins at a required step: then it bars from none without barring from those before it.

The first steps are nested SELECTs, which name what is used twice; all later ones are one
`arrayFold`, whose text does not grow. It copies its state at every turn: with four steps it takes
twice as long, or three times.
"""

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import let
from services.query.insights.funnels.statement.stage import Stage, at_turn, if_anybody

_NESTED = 4


def staged(form: Form, arrays: Relation, *, full: bool = False, few: bool = False) -> Relation:
    """The keys, `times` of the reported attempts.

    arrays: `a`, ties settled; in the full form `ids` too (ties.py). few: of so few actors that the
    engine takes longer to analyse the statement.
    """
    layout, keys = form.layout, form.keys
    # Nested stages with exclusions take the engine 0.2 s to analyse.
    nested = 0 if few or form.plan.exclusions else min(layout.steps, _NESTED)
    stages = _Stages(form, full, nested)
    told = stages.told(arrays).add(depth="arrayLastIndex(r -> r, reached)").named("deepest")
    told = told.add(last="good[depth]", **stages.anchor()).named("reported")
    path = told.where(form.kept("last > 0")).only(*keys, "a", "depth", path=stages.path())
    # Not by a lambda: that would copy `a` for every step.
    steps = ", ".join(f"a[path[{k}]]" for k in range(1, layout.steps + 1))
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice([{steps}], 1, depth))"
    return path.named("path").only(*keys, times=times)


class _Stages:
    """All the stages of a plan, and what is read from them."""

    def __init__(self, form: Form, full: bool, nested: int) -> None:
        self.form = form
        self.layout = form.layout
        self.full = full
        self.nested = nested
        self.barred = bool(form.plan.exclusions)
        self.optional = form.has_optional
        # Whether the path must know how long an attempt stood where it had arrived.
        self.cleared = form.strict and self.optional
        # What is told of each step, and its type.
        self.lists = {"good": "UInt32", "reached": "UInt8", "positions": "Array(UInt32)"}
        if self.optional:
            self.lists["anchors"] = f"Array({form.layout.type})"
        if self.cleared:
            self.lists["ends"] = "Array(UInt32)"

    def told(self, arrays: Relation) -> Relation:
        """`arrays`' columns and, as arrays with an element per step, `lists`."""
        begun = {"starts_0": f"arrayMap(x -> {self.layout.start('x')}, a)"}
        if self.full:
            begun["used_0"] = "arrayMap(x -> emptyArrayUInt32(), a)"
        stage = arrays.add(**begun).named("begun")
        for k in range(1, self.nested + 1):
            stage = self._nested(k, stage)
        each = {
            name: f"[{', '.join(f'{name}_{k}' for k in range(1, self.nested + 1))}]::Array({type_})"
            for name, type_ in self.lists.items()
        }
        if self.nested == self.layout.steps:
            return stage.add(**each).named("stages")
        folded = stage.add(acc=self._fold(list(each.values()))).named("folded")
        lists = {name: f"acc.{i}" for i, name in enumerate(self.lists, start=3)}
        return folded.add(**lists).named("stages")

    def _nested(self, k: int, stage: Relation) -> Relation:
        """Stage k, without exclusions: for `starts_` and `used_` of k - 1 those of k, and of each
        list its element.
        """
        layout = self.layout
        at = Stage(
            form=self.form,
            events="a",
            starts=f"starts_{k - 1}",
            takes=layout.takes_step("x", k),
            step=layout.mask(layout.step(k)),
            bar="0",
            next_bar="0",
            optional="1" if self.form.plan.steps[k - 1].optional else None,
            ids="ids" if self.full else "",
            used=f"used_{k - 1}",
        )
        spent = [at.starts, "touched", "standing"]
        stage = stage.add(touched=at.touched()).named(f"touched_{k}")
        stage = stage.add(standing=at.before("touched")).named(f"standing_{k}")
        arrivals = at.arrivals("touched", "standing")
        after = self._elements(at, touched="touched", arrivals=arrivals, standing="standing")
        columns = {f"{name}_{k}": text for name, text in zip(self.lists, after, strict=True)}
        columns[f"starts_{k}"] = at.next_starts("standing", at.starts)
        if self.full:
            columns[f"used_{k}"] = at.next_used(arrivals, "standing")
            spent.append(at.used)
        return stage.swap(*spent, **columns).named(f"at_step_{k}")

    def _elements(self, at: Stage, *, touched: str, arrivals: str, standing: str) -> list[str]:
        """What a stage adds to each of `lists`."""
        elements = [
            at.good(arrivals, standing, barred=self.barred),
            f"arrayExists(e -> e > 0, {touched})",
            f"arrayFilter((i, e) -> e > 0, arrayEnumerate({at.events}), {arrivals})",
        ]
        if self.optional:
            elements.append(f"arrayFilter(e -> e > 0, {arrivals})")
        if self.cleared:
            elements.append(f"arrayFilter((end, e) -> e > 0, {at.ends()}, {arrivals})")
        return elements

    def _fold(self, told: list[str]) -> str:
        """The stages after those that are done. acc: a, starts, each of `lists`[, ids, used]."""
        layout, n, done = self.layout, self.layout.steps, self.nested
        ids = 3 + len(self.lists)
        full = {"ids": f"acc.{ids}", "used": f"acc.{ids + 1}"} if self.full else {}
        at = at_turn(self.form, events="acc.1", starts="acc.2", **full)
        names = [layout.each]
        columns = [f"arraySlice({column}, {done + 1})" for column in layout.steps_in_order]
        if self.barred:
            names += ["bar", "next_bar"]
            columns.append(layout.numbers([layout.barring(k) for k in range(done + 1, n + 1)]))
            columns.append(layout.numbers([layout.barring(k + 1) for k in range(done + 1, n + 1)]))
        if self.optional:
            names.append("optional")
            may = [int(step.optional) for step in self.form.plan.steps[done:]]
            columns.append(f"{may}::Array(UInt8)")
        touched = at.touched()
        clean = at.clean("marked") if self.barred else touched
        standing = at.before(clean)
        arrivals = at.arrivals(clean, standing)
        elements = self._elements(at, touched=touched, arrivals=arrivals, standing=standing)
        after = [
            if_anybody(at, at.events),
            if_anybody(at, at.next_starts(standing, "marked" if self.barred else at.starts)),
            *(f"arrayPushBack(acc.{i}, {text})" for i, text in enumerate(elements, start=3)),
        ]
        before = ["a", f"starts_{done}", *told]
        if self.full:
            after += [if_anybody(at, text) for text in (at.ids, at.next_used(arrivals, standing))]
            before += ["ids", f"used_{done}"]
        state = f"({', '.join(after)})"
        if self.barred:
            # Asked for at every turn: repeated each time, it made the engine take twice as long to
            # analyse the statement; named, the fold takes a tenth longer.
            state = let({"marked": at.marked(at.spoiling(at.before(touched)))}, state)
        return (
            f"arrayFold((acc, {', '.join(names)}) -> {state}, "
            f"{', '.join(columns)}, ({', '.join(before)}))"
        )

    def anchor(self) -> dict[str, str]:
        """The start of the reported attempt, where the path needs it."""
        anchor = "anchors[depth][indexOf(positions[depth], last)]"
        return {"anchor": anchor} if self.optional else {}

    def path(self) -> str:
        """Positions in `a`, one per step up to `depth`; 0 for a step passed over."""
        before = "arrayReverse(arraySlice({}, 1, depth - 1))".format
        if not self.optional:
            return (
                "arrayFold((path, at) -> arrayPushFront(path, arrayLast(i -> i < path[1], at)), "
                f"{before('positions')}, [last])"
            )
        # The highest earlier step at which the reported attempt was standing then.
        names, columns, stood = "at, starts", f"{before('positions')}, {before('anchors')}", ""
        if self.cleared:
            names, columns = f"{names}, ends", f"{columns}, {before('ends')}"
            stood = " AND (end = 0 OR end >= p.1)"
        each = "i, f, end" if self.cleared else "i, f"
        found = f"arrayLast(({each}) -> i < p.1 AND f = anchor{stood}, {names})"
        return (
            f"arrayFold((p, {names}) -> (if({found} > 0, {found}, p.1), "
            f"arrayPushFront(p.2, {found})), {columns}, (last, [last])).2"
        )
