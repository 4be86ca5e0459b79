"""One stage of the general form (stages.py): the attempts that take step k, and those spoilt.

For each event:

touched   the attempt that would take k at it
spoiling  the attempt that it excludes from k
marked    the start, with a mark if the attempt is spoilt before the event or by it
clean     `touched` without marked attempts
arrivals  `clean` without attempts that stand at k already
"""

import msgspec

from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout

_SHORT = 4
"""With no more steps, emptying the arrays saves less than their copies cost."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The text of one stage, from the text of the arrays that it reads.

    events, starts: the arrays of the state; ids, used (full form): the events' ids, and those that
    the newest attempt has used. takes: whether the event `x` can take the step. step: its bits.
    exclusions, next_exclusions: the bits of those before it, and before the step after it.
    optional: whether it may be passed over; None: no step may. folded: in a fold over the steps.
    """

    form: Form
    events: str
    starts: str
    takes: str
    step: str
    exclusions: str
    next_exclusions: str
    optional: str | None
    folded: bool = False
    ids: str = ""
    used: str = ""

    @property
    def layout(self) -> Layout:
        return self.form.layout

    def touched(self, starts: str | None = None, only: str = "") -> str:
        takes = f"{self.takes} AND {self.form.within('x', 'f')}{only}"
        if not self.ids:
            return f"arrayMap((x, f) -> if({takes}, f, 0), {self.events}, {starts or self.starts})"
        return (
            f"arrayMap((x, f, id, used) -> if({takes} AND NOT has(used, id), f, 0), "
            f"{self.events}, {starts or self.starts}, {self.ids}, {self.used})"
        )

    def before(self, taken: str) -> str:
        """The attempt at k just before each event. taken: the attempt that takes k at it."""
        if not self.form.strict:
            # The running maximum repeats `taken`, which makes a fold's text too long.
            folded = f"arrayFill(e -> e > 0, {taken})"
            return f"arrayShiftRight({folded if self.folded else self.layout.newest(taken)}, 1)"
        # An event that matches another step, or none, clears S[k]: its 0 spreads.
        clears = f"NOT ({self._stays()})"
        return f"arrayShiftRight(arrayFill((e, x) -> e > 0 OR {clears}, {taken}, {self.events}), 1)"

    def spoiling(self, standing: str) -> str:
        """standing: `before` of `touched`."""
        excludes = f"{self.layout.has('x', self.exclusions)} AND {self.form.within('x', 'f')}"
        return (
            f"arrayMap((x, f, s) -> if({excludes} AND s != f, f, 0), "
            f"{self.events}, {self.starts}, {standing})"
        )

    def marked(self, spoiling: str) -> str:
        spoilt = f"arrayFill(e -> e > 0, {spoiling})"
        return f"arrayMap((f, s) -> {self.layout.spoilt_if('f', 'f = s')}, {self.starts}, {spoilt})"

    def clean(self, marked: str) -> str:
        return self.touched(marked, f" AND {self.layout.unspoilt('f')}")

    def arrivals(self, clean: str, standing: str) -> str:
        """standing: `before` of `clean`, here and below."""
        return f"arrayMap((e, s) -> if(e != s, e, 0), {clean}, {standing})"

    def good(self, arrivals: str, standing: str, *, excluding: bool) -> str:
        """The position of the first arrival without an exclusion after it; or 0."""
        if not excluding:
            return f"arrayFirstIndex(e -> e > 0, {arrivals})"
        effective = (
            f"arrayMap((x, s) -> if({self.layout.has('x', self.next_exclusions)} AND s > 0, x, 0), "
            f"{self.events}, {standing})"
        )
        # From the event after the arrival's: an event excludes attempts that stand there before it.
        following = f"arrayShiftLeft(arrayReverseFill(y -> y > 0, {effective}), 1)"
        return (
            f"arrayFirstIndex((e, y) -> e > 0 AND (y = 0 OR y - e > {self.form.window}), "
            f"{arrivals}, {following})"
        )

    def next_starts(self, standing: str, passing: str) -> str:
        """passing: the marked starts of attempts that pass the step over."""
        if self.optional is None:
            return standing
        return (
            f"arrayMap((s, f, x) -> if({self._passed()}, f, s), "
            f"{standing}, {passing}, {self.events})"
        )

    def next_used(self, arrivals: str, standing: str) -> str:
        """The ids of the events that the newest attempt at k has used, before each event."""
        with_this = (
            f"arrayMap((id, u) -> if(id > 0, arrayPushBack(u, id), u), {self.ids}, {self.used})"
        )
        filled = f"arrayShiftRight(arrayFill((u, e) -> e > 0, {with_this}, {arrivals}), 1)"
        if self.optional is None:
            return filled
        return (
            f"arrayMap((new, old, s, x) -> if({self._passed()}, old, new), "
            f"{filled}, {self.used}, {standing}, {self.events})"
        )

    def ends(self) -> str:
        """Strict: for each event the position of the first from it on that clears S[k]; 0: none."""
        positions = f"arrayEnumerate({self.events})"
        clearing = f"arrayMap((x, i) -> if({self._stays()}, 0, i), {self.events}, {positions})"
        return f"arrayReverseFill(i -> i > 0, {clearing})"

    def _passed(self) -> str:
        return f"{self.optional} AND (s = 0 OR x - s > {self.form.window})"

    def _stays(self) -> str:
        """Strict: whether S[k] outlives the event `x`."""
        return f"{self.layout.matches('x', self.step)} OR {self.layout.is_tied('x')}"


def at_turn(form: Form, **state: str) -> Stage:
    """The stage of a fold over the steps, with the names `step`, `own`, `exclusions` …

    state: see Stage.
    """
    return Stage(
        form=form,
        takes=form.layout.takes("x"),
        step="step",
        exclusions="exclusions",
        next_exclusions="next_exclusions",
        optional="optional" if form.has_optional else None,
        folded=True,
        **state,
    )


def if_anybody(at: Stage, array: str) -> str:
    """The array, emptied if no attempt stood at the step before: none will at a later one."""
    if at.layout.steps <= _SHORT:
        return array
    return f"if(arrayExists(f -> f > 0, {at.starts}), {array}, arrayResize({array}, 0))"
