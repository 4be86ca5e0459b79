"""What an actors query over stickiness can name (trends.md section 11)."""

from contracts.api.actors_options import SIDES, ActorsOptions, Choice
from services.query.insights.stickiness.plan import StickinessPlan
from services.query.insights.stickiness.result import label


def options(plan: StickinessPlan) -> ActorsOptions:
    places = range(1, len(plan.current.intervals) + 1)
    return ActorsOptions(
        day=[Choice(label(plan, place), place) for place in places],
        series=[Choice(series.entity.name, series.place) for series in plan.series],
        compare=None if plan.previous is None else SIDES,
    )
