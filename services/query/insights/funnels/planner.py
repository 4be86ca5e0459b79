"""A funnel's query, looked up and planned."""

import asyncio

import msgspec

from contracts.queries.nodes import FunnelsQuery
from services.common.accounts.accounts import Project
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.insights.funnels.plan import FunnelPlan, Interval
from services.query.insights.funnels.planning import interval_of, plan_funnel
from services.query.results.computation import Inputs, PreparedComputation, Range, Work
from services.query.results.dependencies import dependencies


class Draft(msgspec.Struct, frozen=True):
    """A plan, and the facts that it was made of.

    interval: what the query asks for, which only trends take notice of.
    """

    plan: FunnelPlan
    facts: PlanningFacts
    interval: Interval


class RunnablePlan(msgspec.Struct, frozen=True):
    """A plan that can run: the engine holds the lists of people that it names.

    has_overrides: the project has merged persons.
    """

    plan: FunnelPlan
    facts: PlanningFacts
    has_overrides: bool


async def draft(
    lookups: Lookups, project: Project, query: FunnelsQuery, *, legacy: bool = False
) -> Draft:
    """legacy: asked for by legacy filters. Raises InvalidQuery."""
    facts = await lookups.facts(project, query, query.dateRange)
    # Patterns may take long to compile.
    plan = await asyncio.to_thread(plan_funnel, query, facts, legacy=legacy)
    return Draft(plan, facts, interval_of(query))


async def ready(lookups: Lookups, drafted: Draft) -> RunnablePlan:
    """Before each run, as merges since the drafting count."""
    return RunnablePlan(drafted.plan, drafted.facts, await lookups.ready(drafted.facts))


async def plan_query(
    lookups: Lookups, project: Project, query: FunnelsQuery, *, legacy: bool = False
) -> RunnablePlan:
    """For a run at once. Raises InvalidQuery."""
    return await ready(lookups, await draft(lookups, project, query, legacy=legacy))


def prepared(
    project: Project, drafted: Draft, work: Work, reads: Inputs, clock: bytes
) -> PreparedComputation:
    """Work over a plan. reads, clock: what its numbers take from events, records and the clock."""
    plan = drafted.plan
    return PreparedComputation(
        settings=project.settings,
        dependencies=dependencies(drafted.facts),
        clock=clock,
        range=Range(drafted.interval, plan.date_from, plan.date_to),
        inputs=reads,
        work=work,
    )
