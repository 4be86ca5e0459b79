"""Explains a funnel for one actor: finds them, reads what the funnel sees of them, and tells."""

import msgspec

from contracts.api.explain import Explanation
from contracts.queries.errors import InvalidQuery, invalid_input
from services.common.clickhouse import Shards
from services.common.http.problems import not_found
from services.common.postgres.database import Pool
from services.query.events.actors import PersonActor
from services.query.insights.funnels.explain.explain import explain
from services.query.insights.funnels.people.matched import SeenEvent
from services.query.insights.funnels.people.page import ActorPages
from services.query.insights.funnels.people.statement import compile_history
from services.query.insights.funnels.plan import FunnelPlan, StepsView
from services.query.insights.funnels.planner import RunnablePlan
from services.query.people import records

MOST_EVENTS = 20_000
"""An explanation of more is too long to read; counting has no such limit."""


class Explainer:
    def __init__(self, shards: Shards, pool: Pool, actors: ActorPages) -> None:
        self._shards = shards
        self._pool = pool
        self._actors = actors

    async def explain(self, planned: RunnablePlan, sent: str | None) -> Explanation:
        """sent: how the request calls the actor.

        Raises InvalidQuery without one, or with too many events; Rejected 404 for nobody;
        EngineError's kinds.
        """
        if not sent:
            raise InvalidQuery("person", "required", "This field is required.")
        plan = _steps(planned.plan)
        id_ = await self._found(plan, sent)
        history = compile_history(
            plan, [id_], has_overrides=planned.has_overrides, limit=MOST_EVENTS + 1
        )
        clickhouse = await self._shards.of(plan.team_id)
        events = msgspec.convert(await clickhouse.query(history), list[SeenEvent])
        if len(events) > MOST_EVENTS:
            detail = f"More than {MOST_EVENTS} events cannot be explained. Choose a shorter range."
            raise invalid_input("person", detail)
        return Explanation(
            person=await self._actors.one(plan, id_),
            # With a breakdown by cohort, an event has a row for each of them.
            events=len({event.uuid for event in events}),
            results=explain(plan, events),
        )

    async def _found(self, plan: FunnelPlan, sent: str) -> str:
        if not isinstance(plan.actor, PersonActor):
            return sent
        id_ = await records.person_id(self._pool, plan.team_id, sent)
        if id_ is None:
            raise not_found("Person not found.")
        return id_


def _steps(plan: FunnelPlan) -> FunnelPlan:
    """The plan with steps for its view: the ground of trends and times."""
    return msgspec.structs.replace(plan, view=StepsView())
