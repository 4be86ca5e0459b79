"""How the rows of an answer are told apart by a value."""

from typing import Literal

import msgspec

Attribution = Literal["first_touch", "last_touch", "all_events", "step"]
BreakdownType = Literal[
    "event", "person", "group", "hogql", "event_metadata", "session", "cohort",
]  # fmt: skip


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are told apart (funnels.md section 6).

    keys: property names, expressions or session properties; one array of text per value.
    cohorts: for type cohort, (id, name) in the order asked; id 0 is "all users".
    attribution_step: from 1, with attribution "step".
    limit: values that keep a row of their own.
    listed: show an array of text; else (a group's property) the text alone.
    unboxed: show `x` and not `["x"]` (legacy endpoint, one string).
    """

    type: BreakdownType
    keys: tuple[str, ...] = ()
    cohorts: tuple[tuple[int, str], ...] = ()
    group_type_index: int | None = None
    attribution: Attribution = "first_touch"
    attribution_step: int | None = None
    limit: int = 25
    normalize_url: bool = False
    listed: bool = True
    unboxed: bool = False
