"""A funnel's answer, by as many statements as it takes."""

import asyncio
from collections.abc import Sequence

import msgspec

from contracts.api.funnels import FunnelAnswer
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.engine import Row
from services.common.clickhouse.relation import Relation, statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.actors import PersonActor
from services.query.insights.funnels.comparison import compared
from services.query.insights.funnels.partial import Partial, joined
from services.query.insights.funnels.periods import FunnelPeriod, periods
from services.query.insights.funnels.plan import FunnelPlan, StepsView, TimesView, TrendView
from services.query.insights.funnels.quick import quick_first
from services.query.insights.funnels.result import render, render_comparison
from services.query.insights.funnels.statement.actors import Actors
from services.query.insights.funnels.statement.funnel import compile_comparison, compile_funnel
from services.query.insights.funnels.statement.paths import (
    full_paths,
    quick_paths,
    some_by_uuid,
    some_by_walk,
)
from services.query.insights.funnels.statement.totals import MOST_TANGLED, TANGLED, partial_totals


async def compute(
    clickhouse: ClickHouse,
    plan: FunnelPlan,
    *,
    has_overrides: bool,
    previous: FunnelPlan | None = None,
    pending: bool = False,
    query_id: str | None = None,
) -> FunnelAnswer:
    """The answer to a plan. Raises EngineError's kinds.

    previous: the same plan of the period to compare with. pending: with the actors whose windows
    had not ended. query_id: of every statement, one after the other.
    """
    if previous is not None and isinstance(times := plan.view, TimesView):
        rows = await quick_first(
            clickhouse,
            plan,
            lambda forms: compile_comparison(
                times, plan, previous, has_overrides=has_overrides, forms=forms
            ),
            previous=previous,
            has_overrides=has_overrides,
            query_id=query_id,
        )
        return render_comparison(plan, rows)
    answers = [
        await _FunnelRun(clickhouse, side, has_overrides, query_id).answer(pending)
        for side in ([plan] if previous is None else [plan, previous])
    ]
    if previous is None:
        return answers[0]
    return await asyncio.to_thread(compared, plan, *answers)


class _FunnelRun:
    def __init__(
        self, clickhouse: ClickHouse, plan: FunnelPlan, has_overrides: bool, query_id: str | None
    ) -> None:
        self.clickhouse = clickhouse
        self.plan = plan
        self.has_overrides = has_overrides
        self.query_id = query_id

    async def answer(self, pending: bool) -> FunnelAnswer:
        """Periods and rows may be many thousands: both are made into something in threads."""
        made = None
        if isinstance(trend := self.plan.view, TrendView):
            made = await asyncio.to_thread(periods, self.plan, trend)
        rows = await self._rows(made)
        return await asyncio.to_thread(render, self.plan, rows, pending=pending, made=made)

    async def _rows(self, made: Sequence[FunnelPeriod] | None) -> Sequence[Sequence[object]]:
        """Rows as of compile_funnel's statement."""
        if not routed(self.plan):
            return await quick_first(
                self.clickhouse,
                self.plan,
                lambda forms: compile_funnel(
                    self.plan, has_overrides=self.has_overrides, forms=forms, made=made
                ),
                has_overrides=self.has_overrides,
                query_id=self.query_id,
            )
        actors = self._actors()
        many = await self._partial(actors, quick_paths(actors), quick=True)
        missing = next((row for row in many if row.step == TANGLED), None)
        if missing is None:
            return joined(many, ())
        few = self._actors()
        if missing.count <= MOST_TANGLED:
            type_ = "Array(UUID)" if isinstance(self.plan.actor, PersonActor) else "Array(String)"
            few = msgspec.structs.replace(few, only=few.bindings.bind(missing.tangled, type_))
        others = await self._partial(few, full_paths(few), quick=False)
        return joined([row for row in many if row is not missing], others)

    async def _partial(self, actors: Actors, paths: Relation, *, quick: bool) -> list[Partial]:
        totals = partial_totals(self.plan, actors.bindings, paths, quick=quick)
        rows = await self._run(statement(totals, actors.bindings))
        return msgspec.convert(rows, list[Partial])

    def _actors(self) -> Actors:
        return Actors(plan=self.plan, bindings=Bindings(), has_overrides=self.has_overrides)

    async def _run(self, statement: Statement) -> list[Row]:
        return await self.clickhouse.query(statement, query_id=self.query_id)


def routed(plan: FunnelPlan) -> bool:
    """Whether the full form need only run for the actors that the quick one leaves open.

    Steps of everybody together are such numbers as can be joined (partial.py).
    """
    return (
        isinstance(plan.view, StepsView)
        and plan.breakdown is None
        and some_by_uuid(plan)
        and not some_by_walk(plan)
    )
