"""Decides a command on an insight: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightEvent,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from contracts.json import same
from contracts.read_models.insight import InsightRow
from domain.errors import AlreadyExists, NotFound
from domain.insight.commands import (
    CreateInsight,
    EditInsight,
    InsightCommand,
    LeaveDashboard,
    NewTile,
    ReturnToDashboard,
)
from domain.tags import clean_tags


def decide(command: InsightCommand, insight: InsightRow | None) -> list[InsightEvent]:
    """Facts that follow; none when nothing would change. insight: None when there is none.

    Raises AlreadyExists on a second creation, NotFound when the insight was never created or
    is deleted and not being restored.
    """
    match command:
        case CreateInsight():
            return _create(command, insight)
        case EditInsight():
            return _edit(command, insight)
        case LeaveDashboard():
            return _leave(command, insight)
        case ReturnToDashboard():
            return _return(command, insight)
        case _:
            assert_never(command)


def _create(command: CreateInsight, insight: InsightRow | None) -> list[InsightEvent]:
    if insight is not None:
        raise AlreadyExists
    facts: list[InsightEvent] = [
        InsightCreated(
            insight_id=command.insight_id,
            short_id=command.short_id,
            name=command.name,
            derived_name=command.derived_name,
            description=command.description,
            filters=command.filters,
            query=command.query,
            order=command.order,
            favorited=command.favorited,
            saved=command.saved,
            is_sample=command.is_sample,
        )
    ]
    if tags := clean_tags(command.tags):
        facts.append(InsightTagged(tags=tags, previous=()))
    facts.extend(_placed(new) for new in command.dashboards)
    if command.deleted:
        facts.append(InsightDeleted())
    return facts


def _edit(command: EditInsight, insight: InsightRow | None) -> list[InsightEvent]:
    # PostHog: only {"deleted": false} reaches a deleted insight, and restores it.
    if insight is None or (insight.deleted and command.deleted is not False):
        raise NotFound
    facts: list[InsightEvent] = []
    if insight.deleted:
        facts.append(InsightRestored())
    facts += _texts(command, insight)
    facts += _documents(command, insight)
    facts += _marks(command, insight)
    if command.dashboards is not UNSET:
        facts += _moves(command.dashboards, insight)
    if command.deleted is True:
        facts.append(InsightDeleted())
    return facts


def _texts(command: EditInsight, insight: InsightRow) -> list[InsightEvent]:
    facts: list[InsightEvent] = []
    if command.name is not UNSET and command.name != insight.name:
        facts.append(InsightRenamed(name=command.name, previous=insight.name))
    if command.derived_name is not UNSET and command.derived_name != insight.derived_name:
        facts.append(
            InsightDerivedNameChanged(
                derived_name=command.derived_name, previous=insight.derived_name
            )
        )
    if command.description is not UNSET and command.description != insight.description:
        facts.append(
            InsightDescribed(description=command.description, previous=insight.description)
        )
    return facts


def _documents(command: EditInsight, insight: InsightRow) -> list[InsightEvent]:
    facts: list[InsightEvent] = []
    if command.filters is not UNSET and not same(command.filters, insight.filters):
        facts.append(InsightFiltersChanged(filters=command.filters, previous=insight.filters))
    if command.query is not UNSET and not same(command.query, insight.query):
        facts.append(InsightQueryChanged(query=command.query, previous=insight.query))
    return facts


def _marks(command: EditInsight, insight: InsightRow) -> list[InsightEvent]:
    facts: list[InsightEvent] = []
    if command.tags is not UNSET and (tags := clean_tags(command.tags)) != insight.tags:
        facts.append(InsightTagged(tags=tags, previous=insight.tags))
    if command.favorited is not UNSET and command.favorited != insight.favorited:
        facts.append(InsightFavorited() if command.favorited else InsightUnfavorited())
    if command.saved is not UNSET and command.saved != insight.saved:
        facts.append(InsightSaved() if command.saved else InsightUnsaved())
    if command.order is not UNSET and command.order != insight.order:
        facts.append(InsightReordered(order=command.order, previous=insight.order))
    return facts


def _moves(wanted: tuple[NewTile, ...], insight: InsightRow) -> list[InsightEvent]:
    """Membership is set as a whole: leave the dashboards not named, join the ones not on yet."""
    ids = {new.dashboard_id for new in wanted}
    facts: list[InsightEvent] = [
        InsightRemovedFromDashboard(tile.id, tile.dashboard_id, tile.dashboard_name)
        for tile in insight.tiles
        if not tile.deleted and tile.dashboard_id not in ids
    ]
    for new in wanted:
        tile = insight.tile_on(new.dashboard_id)
        if tile is None:
            facts.append(_placed(new))
        elif tile.deleted:
            facts.append(InsightAddedToDashboard(tile.id, new.dashboard_id, new.name))
    return facts


def _leave(command: LeaveDashboard, insight: InsightRow | None) -> list[InsightEvent]:
    """A deleted insight leaves as well, or restoring it would bring it back on what is gone."""
    tile = insight.tile_on(command.dashboard_id) if insight else None
    if insight is None or tile is None or tile.deleted:
        return []
    facts: list[InsightEvent] = [
        InsightRemovedFromDashboard(tile.id, tile.dashboard_id, tile.dashboard_name)
    ]
    if command.delete and not insight.deleted:
        facts.append(InsightDeleted())
    return facts


def _return(command: ReturnToDashboard, insight: InsightRow | None) -> list[InsightEvent]:
    if insight is None:
        return []
    facts: list[InsightEvent] = []
    if command.restore and insight.deleted:
        facts.append(InsightRestored())
    tile = insight.tile_on(command.dashboard_id)
    if tile is not None and tile.deleted:
        facts.append(InsightAddedToDashboard(tile.id, command.dashboard_id, command.name))
    return facts


def _placed(new: NewTile) -> InsightAddedToDashboard:
    return InsightAddedToDashboard(new.tile_id, new.dashboard_id, new.name)
