"""One event packed into one unsigned number, so that sorting numbers sorts events.

From the highest bits to the lowest:

    time        microseconds since the plan's date_from, plus 1: never 0, so 0 can mean "none"
    rank        its place in a tie; only with `whole_ties`, where events may match several steps
    steps       a code when no event can match two steps (0: exclusion only, 1: nothing, k+1: step
                k), else one bit per step
    exclusions  one bit per exclusion
    flags       `tied`: it is in a mixed tie; `own`: it has the value that attribution wants

An attempt's number is the time of its first event; a spoilt attempt's has one bit more.

Counting time from date_from leaves room: 40 days and 20 bits, or a year and 18, fit into UInt64.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import ClassVar

import msgspec

from services.query.events.conditions import AnyCondition, event_names
from services.query.events.moments import microseconds
from services.query.insights.funnels.plan import FunnelPlan, TrendView

_CODE_BITS = 7
_PLACE_AT = 2
_PLACED_AT = _PLACE_AT + 32
NOTHING = 1
"""The code of an event that matches no step and no exclusion."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The widths of the fields, and the ClickHouse text that reads them.

    span_us: the greatest time. overlapping: an event may match several steps. exclusions: the
    steps before which each stands. steps_exclude: a step's event may match an exclusion too.
    whole_ties: simultaneous events are processed in a fixed order, which is packed as `rank`.
    wanted: the step whose event must be `own`.
    """

    steps: int
    exclusions: tuple[range, ...]
    overlapping: bool
    steps_exclude: bool
    whole_ties: bool
    wanted: int | None
    span_us: int

    @property
    def ranked(self) -> bool:
        return self.whole_ties and self.overlapping

    own: ClassVar[int] = 1
    tied: ClassVar[int] = 2

    @property
    def exclusions_at(self) -> int:
        return 2

    @property
    def steps_at(self) -> int:
        return self.exclusions_at + len(self.exclusions)

    @property
    def rank_at(self) -> int:
        return self.steps_at + (self.steps if self.overlapping else _CODE_BITS)

    @property
    def time_at(self) -> int:
        return self.rank_at + (self.steps + 1 if self.ranked else 0)

    @property
    def type(self) -> str:
        """The narrowest type in which differences keep their sign."""
        bits = self.span_us.bit_length() + self.time_at
        return next(f"UInt{size}" for size in (64, 128, 256) if bits < size)

    @property
    def none(self) -> str:
        """An array of no such numbers."""
        return "emptyArrayUInt64()" if self.type == "UInt64" else f"[]::Array({self.type})"

    def number(self, value: int) -> str:
        """A literal; numbers beyond 64 bits would be read as floats."""
        return f"to{self.type}({value})" if value < 2**63 else f"to{self.type}('{value}')"

    def mask(self, value: int) -> str:
        """A literal to calculate with: the other operand has the type already."""
        return str(value) if value < 2**64 else self.number(value)

    def numbers(self, values: Sequence[int]) -> str:
        if self.type != "UInt64":
            return f"[{', '.join(map(self.number, values))}]"
        return f"{list(values)}::Array(UInt64)"

    @property
    def _steps_field(self) -> str:
        return self.mask((1 << self.rank_at) - (1 << self.steps_at))

    def step(self, k: int) -> int:
        """The steps' field of an event that is step k."""
        return 1 << (self.steps_at + k - 1) if self.overlapping else (k + 1) << self.steps_at

    @property
    def every_step(self) -> str:
        """The steps' field of each step, step 1 first."""
        return self.numbers([self.step(k) for k in range(1, self.steps + 1)])

    @property
    def each(self) -> str:
        """The names that a fold over the steps has for the text of `takes`."""
        return "step" if self.wanted is None else "step, own"

    @property
    def steps_in_order(self) -> list[str]:
        """The arrays that a fold over the steps goes through."""
        if self.wanted is None:
            return [self.every_step]
        own = [self.own if k == self.wanted else 0 for k in range(1, self.steps + 1)]
        return [self.every_step, self.numbers(own)]

    def takes(self, x: str) -> str:
        """In a fold over the steps: whether `x` can take the step, which asks more than a match."""
        matches = self.matches(x, "step")
        return matches if self.wanted is None else f"{matches} AND bitAnd({x}, own) = own"

    def takes_step(self, x: str, k: int) -> str:
        """The same outside a fold, for step k."""
        matches = self.matches(x, self.mask(self.step(k)))
        return f"{matches} AND {self.has(x, str(self.own))}" if k == self.wanted else matches

    def follows(self, x: str, f: str) -> str:
        """Whether the later `x` can take the step after that of `f`. f: without flags."""
        if self.overlapping:
            follows = f"bitAnd({x}, bitShiftLeft({self.only_steps(f)}, 1)) != 0"
        else:
            follows = f"bitAnd({x} - {f}, {self._steps_field}) = {1 << self.steps_at}"
        if self.wanted is None or self.wanted == 1:
            return follows
        before = self.mask(self.step(self.wanted - 1))
        return f"{follows} AND ({self.only_steps(f)} != {before} OR {self.has(x, str(self.own))})"

    def next_step(self, f: str) -> str:
        """`f` with the next step in its steps' field."""
        return f"{f} + {self.only_steps(f) if self.overlapping else 1 << self.steps_at}"

    def beyond(self, x: str, f: str) -> str:
        """Codes only: whether `x` is a later step than `f`."""
        return f"{self.only_steps(x)} > {self.only_steps(f)}"

    def only_steps(self, x: str) -> str:
        return f"bitAnd({x}, {self._steps_field})"

    def exclusion(self, i: int) -> int:
        """The bit of an exclusion."""
        return 1 << (self.exclusions_at + i)

    def exclusions_before(self, k: int) -> int:
        """The bits of the exclusions that stand before step k."""
        return sum(self.exclusion(i) for i, steps in enumerate(self.exclusions) if k in steps)

    @property
    def any_exclusion(self) -> int:
        return (1 << self.steps_at) - (1 << self.exclusions_at)

    def matches(self, x: str, step: str) -> str:
        """Whether `x` is the step with this steps' field."""
        if self.overlapping:
            return f"bitAnd({x}, {step}) != 0"
        return f"bitAnd({x}, {self._steps_field}) = {step}"

    def has(self, x: str, bits: str) -> str:
        return f"bitAnd({x}, {bits}) != 0"

    def without(self, x: str, bits: int) -> str:
        return f"bitAnd({x}, {self.mask(2 ** int(self.type[4:]) - 1 - bits)})"

    def is_step(self, x: str) -> str:
        """Whether `x` matches any step."""
        if self.overlapping:
            return f"bitAnd({x}, {self._steps_field}) != 0"
        return f"bitAnd({x}, {self._steps_field}) > {self.mask(NOTHING << self.steps_at)}"

    def is_nothing(self, x: str) -> str:
        """Strict funnels: whether `x` matches no step and no exclusion."""
        nothing = 0 if self.overlapping else NOTHING << self.steps_at
        matched = (1 << self.rank_at) - (1 << self.exclusions_at)
        return f"bitAnd({x}, {self.mask(matched)}) = {self.mask(nothing)}"

    def is_tied(self, x: str) -> str:
        return self.has(x, self.mask(self.tied))

    def place(self, step: str) -> str:
        """The number k of the step with this steps' field."""
        if self.overlapping:
            return f"bitCount({step} - 1) - {self.steps_at - 1}"
        return f"bitShiftRight({step}, {self.steps_at}) - 1"

    def depth(self, f: str) -> str:
        """The number of the step in `f`; 0 of 0."""
        return f"toUInt8(if({f} > 0, {self.place(self.only_steps(f))}, 0))"

    def is_several(self, x: str) -> str:
        """Whether `x` matches more than one step."""
        if not self.overlapping:
            return "0"
        return f"bitCount(bitAnd({x}, {self._steps_field})) > 1"

    def start(self, x: str) -> str:
        """`x` with nothing but its time: the attempt that begins with it."""
        return self.without(x, 2**self.time_at - 1)

    def placed(self, x: str, *, place: str, flags: str = "0") -> str:
        """A number that sorts by `x`, then by its place (UInt32).

        flags: of two bits; no two numbers differ by them alone.
        """
        wider = "UInt128" if self.type == "UInt64" else "UInt256"
        low = f"{place} * {1 << _PLACE_AT} + {flags}"
        return f"bitShiftLeft(to{wider}({x}), {_PLACED_AT}) + {low}"

    def of_placed(self, e: str) -> str:
        """The `x` of such a number."""
        return f"to{self.type}(bitShiftRight({e}, {_PLACED_AT}))"

    def place_of(self, e: str) -> str:
        return f"toUInt32(bitShiftRight(toUInt64({e}), {_PLACE_AT}))"

    def newest(self, taken: str) -> str:
        """The last number of `taken` up to each event, or 0. taken: numbers that only grow, or 0.

        So this is their running maximum, which costs half as much as a fill.
        """
        if self.type != "UInt64":
            return f"arrayFill(f -> f > 0, {taken})"
        return f"arrayMap((f, more) -> toUInt64(f + more), {taken}, {_above(taken)})"

    def newest_of_others(self, taken: str) -> str:
        """The same where `taken` has no number; without meaning where it has one."""
        if self.type != "UInt64":
            return self.newest(taken)
        return f"arrayMap(more -> toUInt64(more), {_above(taken)})"

    def spoilt_if(self, f: str, test: str) -> str:
        """The start `f`, marked as spoilt if the test holds; 0 (no start) stays 0."""
        return f"if({test}, bitOr({f}, {f} > 0), {f})"

    def unspoilt(self, f: str) -> str:
        """Whether the start `f` is not marked as spoilt."""
        return f"bitAnd({f}, 1) = 0"

    def time(self, x: str) -> str:
        return f"bitShiftRight({x}, {self.time_at})"

    def span(self, us: int) -> int:
        """The greatest difference of an event and a start within this duration."""
        return ((min(us, self.span_us) + 1) << self.time_at) - 1


def _above(numbers: str) -> str:
    """For each number, the running maximum less the number: max(0, the one before - the rise)."""
    return f"arrayCumSumNonNegative(rise -> -rise, arrayDifference({numbers}))"


def layout_of(plan: FunnelPlan) -> Layout:
    """Trends and unordered funnels have `whole_ties`. Attribution in unordered funnels comes before
    all else (`accepted`), so that their layout has no wanted step.
    """
    steps = [step.matches for step in plan.steps]
    exclusions = [exclusion.matches for exclusion in plan.exclusions]
    overlapping = any(not disjoint(a, b) for a, b in combinations(steps, 2))
    # A range may end before it begins; it has no events.
    range_us = max(0, microseconds(plan.date_to) - microseconds(plan.date_from))
    return Layout(
        steps=len(steps),
        exclusions=tuple(exclusion.steps for exclusion in plan.exclusions),
        overlapping=overlapping,
        steps_exclude=any(not disjoint(one, step) for one in exclusions for step in steps),
        whole_ties=isinstance(plan.view, TrendView) or plan.order == "unordered",
        wanted=None if plan.order == "unordered" else plan.wanted_step,
        span_us=range_us + 1,
    )


def disjoint(one: AnyCondition, other: AnyCondition) -> bool:
    """Whether the conditions' event names alone show that no event meets both."""
    names, others = event_names(one), event_names(other)
    return names is not None and others is not None and not names & others


def let(names: dict[str, str], body: str) -> str:
    """`body` with names for values, each computed once; later ones may use earlier ones.

    Each name copies every column that the body reads; use it only for values that are dear and used
    twice.
    """
    for name, value in reversed(names.items()):
        body = f"arrayMap({name} -> {body}, [{value}])[1]"
    return body
