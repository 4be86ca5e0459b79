"""Ordered funnels with exclusions whose events match one step at most: a short form of stages.py.

An attempt leaves step k-1 by the first event in its window that is step k or an exclusion before k.
A spoilt attempt only stops and changes no other's start. So one pass over the steps suffices,
without the state "before the event". The reported attempt is the first that arrives clean at the
deepest step and has no exclusion in its window after it; without one, the actor is in no step.
"""

import msgspec

from services.common.clickhouse.relation import Relation
from services.query.insights.funnels.statement.form import Form
from services.query.insights.funnels.statement.layout import Layout
from services.query.insights.funnels.statement.ordered import path

_NESTED = 3
"""As ordered.py's NESTED; the text of a step is longer here."""


def excluding(form: Form, arrays: Relation) -> Relation:
    """The keys and `times` of the reported attempts. arrays: ties settled.

    The first steps are nested SELECTs, as in ordered.py.
    """
    layout, keys = form.layout, form.keys
    n = layout.steps
    first = _Step.number(form, 1)
    begun = f"arrayMap(x -> if({first.takes}, {layout.start('x')}, 0), a)"
    stage = arrays.only(*keys, "a", begun=begun).named("begun")
    stage = stage.only(
        *keys, deepest=first.reported("a", "begun"), waiting=first.waiting("a", "begun")
    ).named("at_step_1")
    nested = min(n, _NESTED)
    for k in range(2, nested + 1):
        step = _Step.number(form, k)
        events, touched, arrived = f"events_{k}", f"touched_{k}", f"taken_{k}"
        reached = {events: "waiting.1", touched: step.touched("waiting.1", "waiting.2")}
        stage = stage.add(**reached).named(touched)
        stage = stage.add(**{arrived: step.arrivals(events, touched)}).named(arrived)
        deepest = step.deepest(_Arrived(events, touched, arrived), "deepest")
        stage = stage.change(deepest=deepest, waiting=step.waiting(events, arrived))
        stage = stage.named(f"at_step_{k}")
    if nested < n:
        step = _Step(form, layout.takes("x"), "step", "exclusions", "next_exclusions")
        events = "acc.1.1"
        touched = step.touched(events, "acc.1.2")
        arrivals = step.arrivals(events, touched)
        columns = [
            *(f"arraySlice({column}, {nested + 1})" for column in layout.steps_in_order),
            layout.numbers([layout.exclusions_before(k) for k in range(nested + 1, n + 1)]),
            layout.numbers([layout.exclusions_before(k + 1) for k in range(nested + 1, n + 1)]),
        ]
        deepest = step.deepest(_Arrived(events, touched, arrivals), "acc.2")
        fold = (
            f"arrayFold((acc, {layout.each}, exclusions, next_exclusions) -> "
            f"({step.waiting(events, arrivals)}, {deepest}), {', '.join(columns)}, "
            "(waiting, deepest)).2"
        )
        stage = stage.change(deepest=fold).named("at_last_step")
    return path(form, stage, ["start"] * (nested - 1))


class _Arrived(msgspec.Struct, frozen=True):
    """events: those looked at for a step. touched: for each, the attempt that it would carry on or
    exclude. arrivals: for each, the attempt that it carries on.
    """

    events: str
    touched: str
    arrivals: str


class _Step(msgspec.Struct, frozen=True):
    """The text of one step. exclusions, next_exclusions: the bits of those before it, and before
    the step after it; None: there are none.
    """

    form: Form
    takes: str
    step: str
    exclusions: str
    next_exclusions: str | None

    @classmethod
    def number(cls, form: Form, k: int) -> "_Step":
        layout = form.layout
        after = layout.exclusions_before(k + 1)
        return cls(
            form,
            takes=layout.takes_step("x", k),
            step=layout.mask(layout.step(k)),
            exclusions=layout.mask(layout.exclusions_before(k)),
            next_exclusions=layout.mask(after) if after else None,
        )

    @property
    def layout(self) -> Layout:
        return self.form.layout

    def touched(self, events: str, starts: str) -> str:
        """For each event, the attempt that it would carry on or exclude."""
        touches = f"({self.takes} OR {self.layout.has('x', self.exclusions)})"
        touches += f" AND {self.form.within('x', 'f')}"
        return f"arrayMap((x, f) -> if({touches}, f, 0), {events}, {starts})"

    def arrivals(self, events: str, touched: str) -> str:
        """For each event, the attempt that arrives clean: its first touch is the step."""
        seen = f"arrayShiftRight(arrayFill(f -> f > 0, {touched}), 1)"
        arrives = f"{self.takes} AND t != p"
        return f"arrayMap((x, t, p) -> if({arrives}, t, 0), {events}, {touched}, {seen})"

    def deepest(self, at: _Arrived, before: str) -> str:
        """The attempt reported if none gets further; `before` if none got to this step."""
        reached = f"arrayExists((x, t) -> t > 0 AND {self.takes}, {at.events}, {at.touched})"
        return f"if({reached}, {self.reported(at.events, at.arrivals)}, {before})"

    def reported(self, events: str, arrivals: str) -> str:
        """The first arrival without an exclusion after it, in the form that `path` reads; or 0."""
        good = f"arrayFirst(f -> f > 0, {arrivals})"
        if self.next_exclusions is not None:
            excludes = self.layout.has("x", self.next_exclusions)
            excluding = f"arrayMap(x -> if({excludes}, x, 0), {events})"
            free = f"(y = 0 OR y - f > {self.form.window})"
            good = (
                f"arrayFirst((f, y) -> f > 0 AND {free}, {arrivals}, "
                f"arrayReverseFill(y -> y > 0, {excluding}))"
            )
        return f"if({good} > 0, {good} + {self.step}, 0)"

    def waiting(self, events: str, arrivals: str) -> str:
        """The events that later steps may need, each with the newest attempt at this step."""
        newest = f"arrayFill(f -> f > 0, {arrivals})"
        excludes = self.layout.has("x", self.layout.mask(self.layout.any_exclusion))
        needed = f"f > 0 AND ({self.layout.only_steps('x')} > {self.step} OR {excludes})"
        return (
            f"arrayFilter((z, x, f) -> {needed}, arrayZip({events}, {newest}), {events}, {newest})"
        )
