"""From the body of a write to the command on a dashboard."""

from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from contracts.api.dashboards import WriteDashboard, WriteTile
from contracts.events.dashboard import (
    DashboardEvent,
)
from contracts.json import EMPTY_OBJECT, is_null
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
from services.command.change_lines import lines_since
from services.command.documents import json_object, or_default
from services.command.handle import Rules


def checked(sent: WriteDashboard) -> WriteDashboard:
    """With its documents checked. Raises Rejected 400 naming the field."""
    tiles = sent.tiles
    if tiles is not UNSET:
        tiles = tuple(
            replace(tile, layouts=_document(tile.layouts, "tiles__layouts")) for tile in tiles
        )
    return replace(sent, filters=_document(sent.filters, "filters"), tiles=tiles)


def create_command(body: WriteDashboard, number: int) -> CreateDashboard:
    """The command; a field that the body does not name gets its default."""
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


RULES: Rules[DashboardRow | None, DashboardCommand, DashboardEvent] = Rules(
    decide, view, lines_since(changes), lambda row: row is not None and row.deleted
)
