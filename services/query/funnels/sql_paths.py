"""Which form a funnel is computed by: each gives the same relation, one row per reported attempt.

The relation: `actor`, with a breakdown `value`, and `times`, one number per step of the path:
microseconds after the plan's date_from plus 1, 0 for an optional step that was passed over.
Its length is the depth.
"""

from services.query.funnels import sql_ordered
from services.query.funnels.plan import FunnelPlan
from services.query.funnels.sql_arrays import Actors, arrays, carried
from services.query.funnels.sql_layout import layout_of
from services.query.funnels.sql_stages import staged
from services.query.funnels.sql_ties import settled


def paths(actors: Actors) -> str:
    """The reported attempts of all actors (of all values): who is in no step has no row."""
    plan = actors.plan
    layout = layout_of(plan, whole_ties=plan.order == "unordered")
    window = actors.bindings.bind(layout.span(window_us(plan)), layout.type)
    carry, gathered = carried(plan), arrays(actors, layout)
    optional = any(step.optional for step in plan.steps)
    if plan.order == "ordered" and not plan.exclusions and not optional:
        return sql_ordered.ordered(layout, carry, gathered, window)
    if plan.order == "strict" or plan.exclusions:
        gathered = settled(layout, carry, gathered)
    return staged(plan, layout, carry, gathered, window)


def window_us(plan: FunnelPlan) -> int:
    return plan.window_seconds * 1_000_000
