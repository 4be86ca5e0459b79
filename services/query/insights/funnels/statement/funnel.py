"""A funnel's plan into one ClickHouse statement.

The statement is a chain of parts, which docs/statements.md shows: events, packed and gathered into
one sorted array per actor (arrays.py, layout.py); the attempt that the actor is counted by
(paths.py and the forms that it chooses from); the numbers (totals.py …). The semantics are those of
`funnels.md` section 5, and of the reference in `oracle`.
"""

from collections.abc import Sequence
from typing import assert_never

from services.common.clickhouse.relation import statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.insights.funnels.periods import FunnelPeriod
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from services.query.insights.funnels.statement.actors import EVERY_FORM, Actors, Forms, actors_of
from services.query.insights.funnels.statement.paths import paths
from services.query.insights.funnels.statement.time_to_convert import time_to_convert
from services.query.insights.funnels.statement.totals import totals
from services.query.insights.funnels.statement.trends import cells, trend_totals


def compile_funnel(
    plan: FunnelPlan,
    *,
    has_overrides: bool,
    forms: Forms = EVERY_FORM,
    made: Sequence[FunnelPeriod] | None = None,
) -> Statement:
    """The statement whose rows `result.render` makes the answer of.

    has_overrides: whether the project has merged persons. made: a trend's periods; None: made here.
    """
    bindings = Bindings()
    actors = actors_of(plan, bindings, forms, has_overrides=has_overrides)
    match plan.view:
        case StepsView():
            found = totals(plan, bindings, paths(actors))
        case TrendView() as trend:
            found = trend_totals(plan, bindings, cells(actors, trend, made))
        case TimesView() as times:
            found = time_to_convert(times, bindings, paths(actors))
        case _:
            assert_never(plan.view)
    return statement(found, bindings)


def compile_comparison(
    times: TimesView,
    plan: FunnelPlan,
    previous: FunnelPlan,
    *,
    has_overrides: bool,
    forms: Forms = EVERY_FORM,
) -> Statement:
    """Times to convert of two periods, over bins that both share. times: the view of both plans."""
    bindings = Bindings()
    sides = (
        paths(actors_of(side, bindings, forms, has_overrides=has_overrides, place=place))
        for place, side in enumerate((plan, previous))
    )
    return statement(time_to_convert(times, bindings, *sides), bindings)


def compile_paths(plan: FunnelPlan, *, has_overrides: bool) -> Statement:
    """The rows to count, one per actor (and value): `actor`, [`value`,] `times` (paths.py)."""
    bindings = Bindings()
    actors = Actors(plan=plan, bindings=bindings, has_overrides=has_overrides)
    return statement(paths(actors), bindings)
