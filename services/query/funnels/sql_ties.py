"""Ties of ordered and strict funnels: what the events of one instant may do (funnels.md section 5).

A tie is mixed when its events differ in what they match. There, exclusions are ignored, an event
that matches nothing breaks nothing, and steps are taken in ascending order.
"""

from services.query.funnels.sql_layout import Layout


def settled(layout: Layout, carried: str, arrays: str) -> str:
    """The arrays; mixed ties lose what does nothing there, the rest of them is marked `tied`."""
    changed = f"{layout.without('x', layout.any_bar)} + {layout.number(layout.tied)}"
    kept = f"NOT m OR {layout.is_step('x')}"
    return (
        f"SELECT {carried}, arrayMap((x, m) -> if(m, {changed}, x), "
        f"arrayFilter((x, m) -> {kept}, a, mixed), arrayFilter((m, x) -> {kept}, mixed, a)) AS a "
        f"FROM (SELECT {carried}, a, {mixed(layout)} AS mixed FROM ({arrays}))"
    )


def mixed(layout: Layout) -> str:
    """For each element of the sorted array `a`, whether its tie is mixed; in linear time."""
    same_time = f"{layout.time('x')} = {layout.time('y')}"
    unlike = f"{layout.without('x', layout.own)} != {layout.without('y', layout.own)}"
    differs = f"arrayMap((x, y) -> {unlike} AND {same_time}, a, arrayShiftRight(a, 1))"
    # Forward, the last event of a tie learns of any difference; backward, all of them do.
    so_far = f"arrayFill((m, x, y) -> m OR NOT ({same_time}), {differs}, a, arrayShiftRight(a, 1))"
    return f"arrayReverseFill((m, x, y) -> NOT ({same_time}), {so_far}, a, arrayShiftLeft(a, 1))"
