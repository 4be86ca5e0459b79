"""Funnels as clients ask for them, planned over facts that are always the same."""

from datetime import UTC, datetime
from typing import Any

from contracts.queries import reading
from contracts.queries.actions import Action, ActionStep
from contracts.queries.nodes import FunnelsQuery
from services.query.events.facts import PlanningFacts
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.planning import plan_funnel

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
FACTS = PlanningFacts(
    team_id=7,
    now=NOW,
    test_account_filters=[
        {"key": "email", "type": "person", "operator": "icontains", "value": "@us"}
    ],
    numeric=frozenset({("event", "price")}),
    path_cleaning=(("/[0-9]+", "/:id"),),
    actions={
        3: Action(3, "Bought", (ActionStep(event="buy"), ActionStep(event="order"))),
        4: Action(4, "Anything"),
    },
    cohorts={5: "Friends", 6: "Foes"},
)
A, B, C = ({"kind": "EventsNode", "event": name} for name in "abc")
FRIENDS = {"type": "cohort", "key": "id", "value": 5}


def plan(*series: Any, facts: PlanningFacts = FACTS, **query: Any) -> FunnelPlan:
    document = {"kind": "FunnelsQuery", "series": list(series or (A, B, C)), **query}
    return plan_funnel(reading.node(document, FunnelsQuery), facts)


def funnel(*series: Any, **filter_: Any) -> FunnelPlan:
    return plan(*series, funnelsFilter=filter_)


def exclusion(event: str = "x", from_step: Any = 0, to_step: Any = 1, **of: Any) -> dict[str, Any]:
    return {
        "kind": "EventsNode",
        "event": event,
        "funnelFromStep": from_step,
        "funnelToStep": to_step,
    } | of


def optional(node: dict[str, Any], **of: Any) -> dict[str, Any]:
    return {**node, "optionalInFunnel": True, **of}


def filtered(node: dict[str, Any], *filters: dict[str, Any]) -> dict[str, Any]:
    return {**node, "properties": list(filters)}


K = {"key": "k", "value": "v", "operator": "exact", "type": "event"}
J = {"key": "j", "value": 1, "operator": "gt", "type": "event"}
RANGE, EXCLUSIONS = "funnel_step_range_invalid", "funnel_exclusions_invalid"
OPTIONAL = "funnel_optional_steps_invalid"
BOUNDS = "is out of bounds. It must be between"
INVALID_RANGE = "Exclusion event range is invalid."
