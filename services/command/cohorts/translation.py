"""From the body of a write to the command on a cohort."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from contracts.api.cohorts import NO_FILTERS, WriteCohort
from contracts.events.cohort import (
    CohortEvent,
)
from contracts.json import EMPTY_OBJECT, is_null
from contracts.queries.cohorts import definition
from contracts.queries.errors import InvalidQuery
from contracts.queries.properties import read as read_properties
from contracts.queries.properties import wire
from domain.cohort.changes import changes
from domain.cohort.commands import CohortCommand, CreateCohort, EditCohort
from domain.cohort.decide import decide
from domain.cohort.state import Cohort, fold
from services.command.change_lines import lines_since
from services.command.documents import json_object, or_default
from services.command.handle import Rules
from services.common.http.problems import invalid

_members = msgspec.json.Decoder(dict[str, Raw])
_NO_FILTERS = msgspec.json.decode(NO_FILTERS)


def checked(sent: WriteCohort) -> WriteCohort:
    """With its filters in the newer form. Raises Rejected 400 naming the field."""
    return replace(sent, filters=_filters(sent))


def _filters(body: WriteCohort) -> Raw | UnsetType:
    filters = body.filters
    if filters is UNSET and body.groups is not UNSET:
        filters = _of_groups(body.groups or ())
    if filters is UNSET:
        return UNSET
    if is_null(filters):
        return EMPTY_OBJECT
    filters = json_object(filters, "filters")
    if msgspec.json.decode(filters) in ({}, _NO_FILTERS):
        return EMPTY_OBJECT
    if "properties" not in _members.decode(filters):
        raise invalid(
            "filters", "invalid_input", "Must contain a 'properties' key with type and values."
        )
    try:
        definition(filters)
    except InvalidQuery as cause:
        raise invalid("filters", cause.code, cause.detail) from cause
    return filters


def _of_groups(groups: Sequence[Any]) -> Raw:
    """PostHog: Cohort.properties reads the older form like this."""
    values = [
        {"type": "AND", "values": [{"type": "person", **each} for each in _properties(group)]}
        for group in groups
    ]
    return Raw(msgspec.json.encode({"properties": {"type": "OR", "values": values}}))


def _properties(group: Any) -> list[dict[str, Any]]:
    sent = group.get("properties") or ()
    if not sent and (group.get("action_id") or group.get("event_id")):
        raise invalid("groups", "invalid_input", "Cohorts are made of person properties.")
    if isinstance(sent, Mapping):
        return _old_properties(sent)
    if not isinstance(sent, list | tuple) or not all(isinstance(each, dict) for each in sent):
        raise invalid("groups", "invalid_input", "Each group has a list of properties.")
    return list(sent)


def _old_properties(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each a member: `{"plan": "pro"}`, or with an operator, `{"age__gt": 5}`."""
    try:
        return [{**wire(part), "type": "person"} for part in read_properties(sent, "groups").values]
    except InvalidQuery as cause:
        raise invalid("groups", cause.code, cause.detail) from cause


def create_command(body: WriteCohort, number: int, who: tuple[UUID, ...]) -> CreateCohort:
    """The command; a field that the body does not name gets its default."""
    return CreateCohort(
        cohort_id=number,
        name=or_default(body.name, None),
        description=or_default(body.description, None) or "",
        is_static=or_default(body.is_static, False),
        filters=or_default(body.filters, EMPTY_OBJECT),
        people=who,
    )


def edit_command(body: WriteCohort, who: tuple[UUID, ...]) -> EditCohort:
    """PATCH: what is not named stays."""
    return EditCohort(
        name=body.name,
        description=UNSET if body.description is UNSET else body.description or "",
        filters=body.filters,
        people=who,
        deleted=body.deleted,
    )


RULES: Rules[Cohort | None, CohortCommand, CohortEvent] = Rules(
    decide, fold, lines_since(changes), lambda cohort: cohort is not None and cohort.row.deleted
)
