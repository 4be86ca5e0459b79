"""Ordered funnels with exclusions whose events match one step at most: a short form of sql_stages.

An attempt leaves step k-1 by the first event in its window that is step k or bars k, and a spoilt
attempt only stops: it changes nobody's start. So one fold over steps suffices, without the state
"before the event". At the deepest step the reported attempt is the first that arrives clean and has
no bar in its window after it; none: the actor is in no step.
"""

from services.query.funnels.sql_layout import Layout
from services.query.funnels.sql_ordered import path


def barred(layout: Layout, carried: str, arrays: str, window: str) -> str:
    """`carried`, `times` of the reported attempts. arrays: `carried`, `a`, ties settled."""
    n = layout.steps
    bars = layout.has("x", "bar")
    # The attempt that the event would carry on, or bar.
    touched = (
        f"arrayMap((x, f) -> if(({layout.takes('x')} OR {bars}) AND x - f <= {window}, f, 0), "
        "acc.1, acc.2)"
    )
    seen = f"arrayShiftRight(arrayFill(f -> f > 0, {touched}), 1)"
    # Its first touch is the step: it passes clean.
    arrives = f"if({layout.takes('x')} AND t != p, t, 0)"
    arrivals = f"arrayMap((x, t, p) -> {arrives}, acc.1, {touched}, {seen})"
    standing = f"arrayFill(f -> f > 0, {arrivals})"
    next_bar = (
        f"arrayReverseFill(y -> y > 0, "
        f"arrayMap(x -> if({layout.has('x', 'next_bar')}, x, 0), acc.1))"
    )
    good = f"arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {window}), {arrivals}, {next_bar})"
    reached = f"arrayExists((x, t) -> t > 0 AND {layout.takes('x')}, acc.1, {touched})"
    columns = [
        *layout.steps_in_order,
        layout.numbers([layout.barring(k) for k in range(1, n + 1)]),
        layout.numbers([layout.barring(k + 1) for k in range(1, n + 1)]),
    ]
    fold = (
        f"arrayFold((acc, {layout.each}, bar, next_bar) -> (acc.1, {standing}, "
        f"arrayPushBack(acc.3, {good}), arrayPushBack(acc.4, {reached})), {', '.join(columns)}, "
        f"(a, arrayMap(x -> {layout.start('x')}, a), {layout.none}, emptyArrayUInt8()))"
    )
    folded = f"SELECT {carried}, a, {fold} AS acc FROM ({arrays})"
    # Nobody who got deepest did so well: nothing is left of the attempt.
    last = "arrayLastIndex(r -> r, acc.4)"
    deepest = f"if(acc.3[{last}] > 0, arraySlice(acc.3, 1, {last}), arrayResize(acc.3, 0))"
    return path(
        layout, carried, f"SELECT {carried}, a, {deepest} AS reached FROM ({folded})", window
    )
