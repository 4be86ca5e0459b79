"""The general form of ordered and strict funnels: exclusions, optional steps, strictness.

Step by step. The state, for each event of an actor's array `a`: the start of the newest attempt
that stands at the step before, as it is just before the event (0: none). A stage (stage.py) finds
which attempts take step k at which event, and which are spoilt on the way. Each stage keeps its
first good arrival, whether any attempt got to k, and the arrivals' positions, from which the path
of the reported attempt is read backwards.

An attempt that passes optional steps over stands before several steps at once. An exclusion before
the first of these steps spoils the attempt for all of them: the mark travels with its start. That
suffices if every exclusion begins at a required step: then an exclusion before one of these steps
stands before the first of them too.

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

    arrays: `a`, ties settled; in the full form `ids` too (ties.py). few: of so few actors that
    analysing the statement takes longer than running it.
    """
    layout, keys = form.layout, form.keys
    # Nested stages with exclusions take the engine 0.2 s to analyse.
    nested = 0 if few or form.plan.exclusions else min(layout.steps, _NESTED)
    stages = _Stages(form, full, nested)
    deepest = (
        stages.with_lists(arrays).add(depth="arrayLastIndex(r -> r, reached)").named("deepest")
    )
    reported = deepest.add(last="good[depth]", **stages.anchor()).named("reported")
    path = reported.where(form.kept("last > 0")).only(*keys, "a", "depth", path=stages.path())
    # Not by a lambda: that would copy `a` for every step.
    steps = ", ".join(f"a[path[{k}]]" for k in range(1, layout.steps + 1))
    times = f"arrayMap(x -> {layout.time('x')}, arraySlice([{steps}], 1, depth))"
    return path.named("path").only(*keys, times=times)


class _Stages:
    """All the stages of a plan, and the texts that are read from them."""

    def __init__(self, form: Form, full: bool, nested: int) -> None:
        self.form = form
        self.layout = form.layout
        self.full = full
        self.nested = nested
        self.excluding = bool(form.plan.exclusions)
        self.optional = form.has_optional
        # Whether the path must know how long an attempt stood where it had arrived.
        self.cleared = form.strict and self.optional
        # Columns with an element per step, and its type.
        self.lists = {"good": "UInt32", "reached": "UInt8", "positions": "Array(UInt32)"}
        if self.optional:
            self.lists["anchors"] = f"Array({form.layout.type})"
        if self.cleared:
            self.lists["ends"] = "Array(UInt32)"

    def with_lists(self, arrays: Relation) -> Relation:
        """The columns of `arrays` and `lists`."""
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
        """Stage k, without exclusions: `starts_` and `used_` of k - 1 give way to those of k; each
        list gets an element.
        """
        layout = self.layout
        at = Stage(
            form=self.form,
            events="a",
            starts=f"starts_{k - 1}",
            takes=layout.takes_step("x", k),
            step=layout.mask(layout.step(k)),
            exclusions="0",
            next_exclusions="0",
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
        """The elements that a stage adds to `lists`."""
        elements = [
            at.good(arrivals, standing, excluding=self.excluding),
            f"arrayExists(e -> e > 0, {touched})",
            f"arrayFilter((i, e) -> e > 0, arrayEnumerate({at.events}), {arrivals})",
        ]
        if self.optional:
            elements.append(f"arrayFilter(e -> e > 0, {arrivals})")
        if self.cleared:
            elements.append(f"arrayFilter((end, e) -> e > 0, {at.ends()}, {arrivals})")
        return elements

    def _fold(self, lists: list[str]) -> str:
        """The stages after the nested ones. acc: a, starts, each of `lists`[, ids, used]."""
        layout, n, done = self.layout, self.layout.steps, self.nested
        ids = 3 + len(self.lists)
        full = {"ids": f"acc.{ids}", "used": f"acc.{ids + 1}"} if self.full else {}
        at = at_turn(self.form, events="acc.1", starts="acc.2", **full)
        names = [layout.each]
        columns = [f"arraySlice({column}, {done + 1})" for column in layout.steps_in_order]
        if self.excluding:
            names += ["exclusions", "next_exclusions"]
            columns.append(
                layout.numbers([layout.exclusions_before(k) for k in range(done + 1, n + 1)])
            )
            columns.append(
                layout.numbers([layout.exclusions_before(k + 1) for k in range(done + 1, n + 1)])
            )
        if self.optional:
            names.append("optional")
            may = [int(step.optional) for step in self.form.plan.steps[done:]]
            columns.append(f"{may}::Array(UInt8)")
        touched = at.touched()
        clean = at.clean("marked") if self.excluding else touched
        standing = at.before(clean)
        arrivals = at.arrivals(clean, standing)
        elements = self._elements(at, touched=touched, arrivals=arrivals, standing=standing)
        after = [
            if_anybody(at, at.events),
            if_anybody(at, at.next_starts(standing, "marked" if self.excluding else at.starts)),
            *(f"arrayPushBack(acc.{i}, {text})" for i, text in enumerate(elements, start=3)),
        ]
        before = ["a", f"starts_{done}", *lists]
        if self.full:
            after += [if_anybody(at, text) for text in (at.ids, at.next_used(arrivals, standing))]
            before += ["ids", f"used_{done}"]
        state = f"({', '.join(after)})"
        if self.excluding:
            # Used several times a turn. Repeating its text doubles the engine's time for analysis;
            # naming it makes the fold take a tenth longer.
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
