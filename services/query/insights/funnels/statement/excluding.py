"""Ordered funnels with exclusions whose events match one step at most: a short form of sql_stages.

An attempt leaves step k-1 by the first event in its window that is step k or bars k, and a spoilt
attempt only stops: it changes nobody's start. So a pass over the steps suffices, without the state
"before the event". At the deepest step the reported attempt is the first that arrives clean and has
no bar in its window after it; none: the actor is in no step.
"""

import msgspec

from services.query.insights.funnels.statement.layout import Layout
from services.query.insights.funnels.statement.ordered import path

_NESTED = 3
"""As sql_ordered's NESTED; the text of a step is longer here."""


def barred(layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the reported attempts. arrays: `carried`, `a`, ties settled.

    The first steps are nested SELECTs, as in sql_ordered.
    """
    n = layout.steps
    bars = [layout.mask(layout.barring(k)) for k in range(1, n + 2)]
    masks = [layout.mask(layout.step(k)) for k in range(1, n + 1)]
    begins = layout.takes_step("x", 1)
    step = _Step(layout, window, begins, masks[0], bars[0], bars[1])
    begun = f"arrayMap(x -> if({begins}, {layout.start('x')}, 0), a)"
    stage = (
        f"SELECT {carried}, {step.reported('a', 'begun')} AS deepest, "
        f"{step.waiting('a', 'begun')} AS waiting "
        f"FROM (SELECT {carried}, a, {begun} AS begun FROM ({arrays}))"
    )
    nested = min(n, _NESTED)
    for k in range(2, nested + 1):
        takes = layout.takes_step("x", k)
        step = _Step(layout, window, takes, masks[k - 1], bars[k - 1], bars[k])
        events, arrived = f"events_{k}", f"taken_{k}"
        touched = step.touched("waiting.1", "waiting.2")
        arrivals = step.arrivals(events, "touched")
        stage = (
            f"SELECT * EXCEPT (deepest, waiting, touched), "
            f"{step.deepest(events, 'touched', arrived, 's.deepest')} AS deepest, "
            f"{step.waiting(events, arrived)} AS waiting "
            f"FROM (SELECT *, {arrivals} AS {arrived} "
            f"FROM (SELECT *, waiting.1 AS {events}, {touched} AS touched FROM ({stage}))) AS s"
        )
    if nested < n:
        step = _Step(layout, window, layout.takes("x"), "step", "bar", "next_bar")
        events = "acc.1.1"
        touched = step.touched(events, "acc.1.2")
        arrivals = step.arrivals(events, touched)
        columns = [
            *(f"arraySlice({column}, {nested + 1})" for column in layout.steps_in_order),
            layout.numbers([layout.barring(k) for k in range(nested + 1, n + 1)]),
            layout.numbers([layout.barring(k + 1) for k in range(nested + 1, n + 1)]),
        ]
        fold = (
            f"arrayFold((acc, {layout.each}, bar, next_bar) -> ({step.waiting(events, arrivals)}, "
            f"{step.deepest(events, touched, arrivals, 'acc.2')}), {', '.join(columns)}, "
            "(waiting, s.deepest)).2"
        )
        stage = f"SELECT * EXCEPT (deepest), {fold} AS deepest FROM ({stage}) AS s"
    return path(layout, carried, stage, window, ["start"] * (nested - 1))


class _Step(msgspec.Struct, frozen=True):
    """The text of one step. bar, next_bar: the bits that bar it, and the step after it."""

    layout: Layout
    window: str
    takes: str
    step: str
    bar: str
    next_bar: str

    def touched(self, events: str, starts: str) -> str:
        """The attempt that each event would carry on, or bar."""
        touches = f"({self.takes} OR {self.layout.has('x', self.bar)}) AND x - f <= {self.window}"
        return f"arrayMap((x, f) -> if({touches}, f, 0), {events}, {starts})"

    def arrivals(self, events: str, touched: str) -> str:
        """Those whose first touch is the step: they pass clean."""
        seen = f"arrayShiftRight(arrayFill(f -> f > 0, {touched}), 1)"
        arrives = f"{self.takes} AND t != p"
        return f"arrayMap((x, t, p) -> if({arrives}, t, 0), {events}, {touched}, {seen})"

    def deepest(self, events: str, touched: str, arrivals: str, before: str) -> str:
        """What is reported when nobody gets further; when nobody got here, that of `before`."""
        reached = f"arrayExists((x, t) -> t > 0 AND {self.takes}, {events}, {touched})"
        return f"if({reached}, {self.reported(events, arrivals)}, {before})"

    def reported(self, events: str, arrivals: str) -> str:
        """The first that nothing bars while it is the deepest, as `path` wants it; none: 0."""
        good = f"arrayFirst(f -> f > 0, {arrivals})"
        if self.next_bar != "0":
            bars = f"arrayMap(x -> if({self.layout.has('x', self.next_bar)}, x, 0), {events})"
            good = (
                f"arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {self.window}), {arrivals}, "
                f"arrayReverseFill(y -> y > 0, {bars}))"
            )
        return f"if({good} > 0, {good} + {self.step}, 0)"

    def waiting(self, events: str, arrivals: str) -> str:
        """The events that later steps may need, each with the newest attempt at this step."""
        newest = f"arrayFill(f -> f > 0, {arrivals})"
        bars = self.layout.has("x", self.layout.mask(self.layout.any_bar))
        needed = f"f > 0 AND ({self.layout.only_steps('x')} > {self.step} OR {bars})"
        return (
            f"arrayFilter((z, x, f) -> {needed}, arrayZip({events}, {newest}), {events}, {newest})"
        )
