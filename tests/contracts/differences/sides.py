"""Two sides of a difference, made of what matters to a test."""

from typing import Any

import msgspec
from msgspec import Raw

from contracts.differences.difference import Difference, Names
from contracts.differences.insights import insight_difference
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from contracts.read_models.project import ProjectRow
from tests.examples import START

NAMES = Names(
    dashboards={12: "Growth"},
    insights={7: "Sign-ups"},
    actions={5: "Paid"},
    cohorts={3: "Power users"},
)


def raw(document: object) -> Raw:
    return Raw(msgspec.json.encode(document))


def insight(**fields: Any) -> InsightRow:
    return InsightRow(
        **{
            "team_id": 1, "insight_id": 7, "short_id": "aB3dE6gH", "name": None,
            "derived_name": None, "description": None, "filters": raw({}), "query": raw(None),
            "order": None, "deleted": False, "favorited": False, "saved": True, "is_sample": False,
            "created_at": START, "created_by": 1, "updated_at": START, "last_modified_at": START,
            "last_modified_by": 1, "version": 1, **fields,
        }
    )  # fmt: skip


def dashboard(**fields: Any) -> DashboardRow:
    return DashboardRow(
        **{
            "team_id": 1, "dashboard_id": 12, "name": None, "description": "", "filters": raw({}),
            "restriction_level": 21, "pinned": False, "created_at": START, "created_by": 1,
            "updated_at": START, "version": 1, **fields,
        }
    )  # fmt: skip


def action(**fields: Any) -> ActionRow:
    return ActionRow(
        **{
            "team_id": 1, "action_id": 5, "name": None, "description": "", "steps": raw([]),
            "created_at": START, "created_by": 1, "updated_at": START, "version": 1, **fields,
        }
    )  # fmt: skip


def cohort(**fields: Any) -> CohortRow:
    return CohortRow(
        **{
            "team_id": 1, "cohort_id": 3, "name": None, "description": "", "is_static": False,
            "filters": raw({}), "created_at": START, "created_by": 1, "updated_at": START,
            "version": 1, **fields,
        }
    )  # fmt: skip


def project(**fields: Any) -> ProjectRow:
    return ProjectRow(
        **{
            "team_id": 1, "name": "Shop", "timezone": "UTC", "week_start_day": 0,
            "test_account_filters": raw([]), "version": 1, **fields,
        }
    )  # fmt: skip


def event(event: str | None, /, **members: Any) -> dict[str, Any]:
    return {"kind": "EventsNode", "event": event, **members}


def funnel(*series: Any, options: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A funnel of these events; of a step, a text is its event."""
    nodes = [event(each) if isinstance(each, str) else each for each in series]
    own = {} if options is None else {"funnelsFilter": options}
    return {
        "kind": "InsightVizNode",
        "source": {"kind": "FunnelsQuery", "series": nodes, **own, **members},
    }


def trends(*series: Any, options: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    nodes = [event(each) if isinstance(each, str) else each for each in series]
    own = {} if options is None else {"trendsFilter": options}
    return {"kind": "TrendsQuery", "series": nodes, **own, **members}


def of_queries(before: object, after: object, names: Names = NAMES) -> Difference:
    return insight_difference(insight(query=raw(before)), insight(query=raw(after)), names)


def said(before: object, after: object) -> list[str]:
    """What is said where one query became the other."""
    return list(of_queries(before, after).sentences)


def said_of_filters(before: object, after: object) -> list[str]:
    found = insight_difference(insight(filters=raw(before)), insight(filters=raw(after)), NAMES)
    return list(found.sentences)
