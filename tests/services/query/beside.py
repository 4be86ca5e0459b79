"""Rows that stand beside an event's: persons, merges, members of cohorts; and filters on them."""

from typing import Any

from contracts.product_events import property_texts
from services.query.events.conditions import PropertyIs
from tests.services.query.conftest import NOON, Events, uid


def person(team_id: int, name: str, sent: dict[str, Any], **of: Any) -> dict[str, Any]:
    stored, whole = property_texts(sent)
    return {
        "team_id": team_id,
        "person_id": uid(f"person {name}"),
        "properties": stored,
        "sent": whole,
        "is_identified": True,
        "created_at": NOON,
        "deleted": False,
        "version": 1,
    } | of


def is_(type_: Any, key: str, operator: Any, *values: Any, **of: Any) -> PropertyIs:
    return PropertyIs(type_, key, operator, values, **of)


def merge(events: Events, team_id: int, source: str, target: str) -> None:
    row = {
        "team_id": team_id,
        "person_id": uid(f"person {source}"),
        "target_id": uid(f"person {target}"),
        "version": 1,
    }
    events.insert("person_overrides", [row])


def member(team_id: int, cohort_id: int, name: str, **of: Any) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "cohort_id": cohort_id,
        "person_id": uid(f"person {name}"),
        "version": 1,
        "member": True,
    } | of
