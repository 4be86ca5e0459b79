"""From the body of a write to the command on a dashboard, and from the outcome to its answer."""

from typing import Any

import msgspec
from litestar import Request, Response
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from contracts.api.dashboards import DashboardBody, WriteDashboard, WriteTile
from contracts.api.insights import InsightBody, live_tiles
from contracts.events.dashboard import (
    DashboardEvent,
)
from contracts.json import EMPTY_OBJECT, is_null
from contracts.queries.of_insights import seen_under
from contracts.queries.overrides import of_dashboard
from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.changes import changes
from domain.dashboard.commands import (
    Arrangement,
    CreateDashboard,
    DashboardCommand,
    EditDashboard,
)
from domain.dashboard.decide import decide
from domain.dashboard.view import view
from services.command.documents import json_object, or_default
from services.command.handle import Outcome, Rules
from services.command.rights import held
from services.command.told import told_by
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.body import read
from services.common.http.caller import Caller
from services.common.insights.access import may_edit_dashboard, owns
from services.common.insights.context import insight_context, user_bodies
from services.common.log.store import EventStore


async def read_dashboard(request: Request[Any, Any, Any]) -> WriteDashboard:
    """The body of a write, its documents checked. Raises Rejected 400 naming the field."""
    body = await read(request, WriteDashboard)
    tiles = body.tiles
    if tiles is not UNSET:
        tiles = tuple(
            replace(tile, layouts=_document(tile.layouts, "tiles__layouts")) for tile in tiles
        )
    return replace(body, filters=_document(body.filters, "filters"), tiles=tiles)


def create_command(body: WriteDashboard, number: int) -> CreateDashboard:
    """What is not named gets its default."""
    return CreateDashboard(
        dashboard_id=number,
        name=or_default(body.name, None),
        description=or_default(body.description, None) or "",
        filters=or_default(body.filters, EMPTY_OBJECT),
        restriction_level=or_default(body.restriction_level, 21),
        pinned=or_default(body.pinned, False),
        tags=or_default(body.tags, ()),
    )


def edit_command(body: WriteDashboard) -> EditDashboard:
    """PATCH: what is not named stays."""
    return EditDashboard(
        name=body.name,
        description=UNSET if body.description is UNSET else body.description or "",
        filters=body.filters,
        restriction_level=body.restriction_level,
        pinned=body.pinned,
        tags=body.tags,
        arrangements=tuple(_arrangement(tile) for tile in or_default(body.tiles, ())),
        deleted=body.deleted,
    )


def _arrangement(tile: WriteTile) -> Arrangement:
    return Arrangement(tile_id=tile.id, color=tile.color, layouts=tile.layouts)


def _document(document: Raw | UnsetType, attr: str) -> Raw | UnsetType:
    """Any object; null means none, and none is `{}`."""
    if document is UNSET:
        return UNSET
    return EMPTY_OBJECT if is_null(document) else json_object(document, attr)


async def dashboard_answer(
    outcome: Outcome[DashboardEvent],
    store: EventStore,
    accounts: Accounts,
    caller: Caller,
    status: int = 200,
) -> Response[bytes]:
    """The dashboard as every later read will show it."""
    row = view(outcome.history)
    if row is None:
        raise ValueError("a dashboard without a history has no answer")
    insights = await _insights(row, store, accounts, caller)
    users = await user_bodies(accounts, (row.created_by,))
    body = DashboardBody.of(
        row,
        insights,
        created_by=users.get(row.created_by or 0),
        may_edit=may_edit_dashboard(row.restriction_level, row.created_by, caller),
        is_manager=owns(row.created_by, caller),
    )
    return resource(
        msgspec.json.encode(body), version=row.version, position=outcome.position, status=status
    )


async def _insights(
    row: DashboardRow, store: EventStore, accounts: Accounts, caller: Caller
) -> list[InsightBody]:
    """Those that are on it and in sight of the caller, as the log has them."""
    bodies, overrides = [], of_dashboard(row.filters)
    for each in (await held(store, caller, (tile.insight_id for tile in row.tiles))).values():
        on = any(tile.dashboard_id == row.dashboard_id for tile in live_tiles(each.row))
        if on and each.access.level != "none":
            shown = seen_under(each.row, overrides)
            context = await insight_context(accounts, caller, shown, each.access)
            bodies.append(InsightBody.of(shown, context))
    return bodies


RULES: Rules[DashboardRow | None, DashboardCommand, DashboardEvent] = Rules(
    decide, view, told_by(changes), lambda row: row is not None and row.deleted
)
