"""From the body of a write to the command on an insight."""

from collections.abc import Sequence

from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from contracts.api.insights import WriteInsight
from contracts.events.insight import InsightEvent
from contracts.events.recorded import Recorded
from contracts.json import EMPTY_OBJECT, NULL, is_null
from contracts.queries.errors import InvalidQuery
from contracts.queries.stored import check_query
from contracts.read_models.insight import InsightRow
from contracts.references import insight_reference
from domain.insight.changes import changes
from domain.insight.commands import CreateInsight, EditInsight, InsightCommand
from domain.insight.decide import decide
from domain.insight.view import project, view
from services.command.change_lines import change_lines
from services.command.documents import json_object, or_default
from services.command.handle import Rules
from services.command.numbers import InsightNumber, Numbers
from services.common.http.problems import ChangeLine, invalid, not_found

_NO_NUMBER = InsightNumber(0, "")


async def insight_number(reference: str, team_id: int, numbers: Numbers) -> int:
    """The number behind a number or a short id. Raises Rejected 404."""
    named = insight_reference(reference)
    if named is None:
        raise not_found()
    if named.number is not None:
        return named.number
    found = await numbers.insight_by_short_id(team_id, reference)
    if found is None:
        raise not_found()
    return found


def checked(sent: WriteInsight) -> WriteInsight:
    """With its documents checked. Raises Rejected 400 naming the field."""
    return replace(sent, filters=_filters(sent.filters), query=_query(sent.query))


def create_command(body: WriteInsight, number: InsightNumber) -> CreateInsight:
    """The command; a field that the body does not name gets its default."""
    return CreateInsight(
        insight_id=number.id,
        short_id=number.short_id,
        name=or_default(body.name, None),
        derived_name=or_default(body.derived_name, None),
        description=or_default(body.description, None),
        filters=or_default(body.filters, EMPTY_OBJECT),
        query=or_default(body.query, NULL),
        order=or_default(body.order, None),
        favorited=or_default(body.favorited, False),
        saved=or_default(body.saved, True),
        tags=or_default(body.tags, ()),
        deleted=or_default(body.deleted, False),
    )


def edit_command(body: WriteInsight) -> EditInsight:
    """PATCH: what is not named stays, but `saved`, which becomes true (today's PostHog)."""
    return EditInsight(
        name=body.name,
        derived_name=body.derived_name,
        description=body.description,
        filters=body.filters,
        query=body.query,
        order=body.order,
        favorited=body.favorited,
        saved=or_default(body.saved, True),
        tags=body.tags,
        deleted=body.deleted,
    )


def replace_command(body: WriteInsight) -> EditInsight:
    """PUT: what is not named gets a new insight's default.

    It restores nothing: that is a PATCH's alone.
    """
    made = create_command(body, _NO_NUMBER)
    return EditInsight(
        name=made.name,
        derived_name=made.derived_name,
        description=made.description,
        filters=made.filters,
        query=made.query,
        order=made.order,
        favorited=made.favorited,
        saved=made.saved,
        tags=made.tags,
        deleted=True if body.deleted is True else UNSET,
    )


def _changes_since(history: Sequence[Recorded[InsightEvent]], version: int) -> list[ChangeLine]:
    """The changes after `version`, field by field, in order: the lines of a 412."""
    lines: list[ChangeLine] = []
    row: InsightRow | None = None
    for fact in history:
        after = project(row, fact)
        if fact.version > version:
            lines += change_lines(fact, changes(fact.event, row.tiles if row else (), after.tiles))
        row = after
    return lines


def _filters(document: Raw | UnsetType) -> Raw | UnsetType:
    """Any object; null means none, and none is `{}`."""
    if document is UNSET:
        return UNSET
    if is_null(document):
        return EMPTY_OBJECT
    return json_object(document, "filters")


def _query(document: Raw | UnsetType) -> Raw | UnsetType:
    """A query node of an accepted kind that is valid for its kind, or null."""
    if document is UNSET or is_null(document):
        return document
    node = json_object(document, "query")
    try:
        check_query(node)
    except InvalidQuery as cause:
        attr = "query" if cause.attr is None else f"query__{cause.attr}"
        raise invalid(attr, cause.code, cause.detail) from cause
    return node


RULES: Rules[InsightRow | None, InsightCommand, InsightEvent] = Rules(
    decide, view, _changes_since, lambda row: row is not None and row.deleted
)
