"""What an InsightActorsQuery over a lifecycle can name (trends.md section 11)."""

from contracts.api.actors_options import ActorsOptions, Choice
from services.query.events.periods import labels, moments
from services.query.insights.lifecycle.plan import STATUSES, LifecyclePlan


def options(plan: LifecyclePlan) -> ActorsOptions:
    named = zip(labels(plan.span), moments(plan.span), strict=True)
    return ActorsOptions(
        day=[Choice(label, start) for label, start in named],
        status=[Choice(status.capitalize(), status) for status in STATUSES],
        series=[] if plan.entity is None else [Choice(plan.entity.name, 0)],
    )
