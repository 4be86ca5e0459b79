"""Puts an insight back to a version of it."""

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace

from contracts.read_models.insight import InsightRow
from domain.errors import NotValidNow, VersionDeleted
from domain.insight.commands import EditInsight, NewTile
from domain.insight.undo import invalid_query

WRITABLE = frozenset(EditInsight.__struct_fields__) - {"deleted"}
"""The fields that a version can be put back to."""


class Reverting(msgspec.Struct, frozen=True):
    """skipped: the dashboards that it was on then, and does not come back on."""

    command: EditInsight
    skipped: tuple[int, ...] = ()


def revert(
    then: InsightRow,
    now: InsightRow,
    dashboards: Mapping[int, str | None],
    fields: Collection[str] = WRITABLE,
) -> Reverting:
    """One edit with every writable field of that version, or with these; a deleted insight comes
    back. `saved` is as it was, whatever an edit otherwise makes of it.

    dashboards: those that are there and open to the caller, and what they are called. Where it is
    now, it may stay.
    Raises VersionDeleted, and NotValidNow for a query that is refused today.
    """
    if then.deleted:
        raise VersionDeleted
    if "query" in fields and (reason := invalid_query(then.query)):
        raise NotValidNow(reason)
    on = {tile.dashboard_id for tile in now.tiles if not tile.deleted}
    wanted = [tile for tile in then.tiles if not tile.deleted] if "dashboards" in fields else []
    skipped = [
        tile.dashboard_id for tile in wanted if tile.dashboard_id not in (on | dashboards.keys())
    ]
    plain = {field: getattr(then, field) for field in WRITABLE & set(fields) - {"dashboards"}}
    command = EditInsight(**plain, deleted=False)
    if "dashboards" in fields:
        command = replace(
            command,
            dashboards=tuple(
                NewTile(tile.dashboard_id, dashboards.get(tile.dashboard_id), tile.id)
                for tile in wanted
                if tile.dashboard_id not in skipped
            ),
        )
    return Reverting(command, tuple(skipped))
