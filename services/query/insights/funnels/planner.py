"""A funnel's query, looked up and planned."""

import asyncio

import msgspec

from contracts.queries.nodes import FunnelsQuery
from services.common.accounts.accounts import Project
from services.query.events.facts import PlanningFacts
from services.query.events.lookups import Lookups
from services.query.insights.funnels.plan import FunnelPlan, Interval
from services.query.insights.funnels.planning import interval_of, plan_funnel


class Planned(msgspec.Struct, frozen=True):
    """A plan, and what it was made of.

    has_overrides: the project has merged persons. interval: what the query asks for, which only
    trends take notice of.
    """

    plan: FunnelPlan
    facts: PlanningFacts
    has_overrides: bool
    interval: Interval


async def plan_query(
    lookups: Lookups, project: Project, query: FunnelsQuery, *, legacy: bool = False
) -> Planned:
    """legacy: asked for by legacy filters. Raises InvalidQuery."""
    facts = await lookups.facts(project, query, query.dateRange)
    # Patterns may take long to compile.
    plan = await asyncio.to_thread(plan_funnel, query, facts, legacy=legacy)
    return Planned(plan, facts, await lookups.ready(facts), interval_of(query))
