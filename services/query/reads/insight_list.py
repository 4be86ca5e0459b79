"""The list of insights as one statement: a page, its exact count, and the position of both."""

from collections.abc import Sequence
from typing import Any, Literal, LiteralString

import msgspec

from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, HISTORY, INSIGHTS, LAST_VIEWED
from services.common.http.caller import Caller
from services.common.insights.access import Access
from services.common.insights.joined_columns import (
    COLUMNS,
    JOINS,
    NAMES,
    JoinedColumns,
    joined_columns,
)
from services.common.postgres.database import Pool
from services.query.reads import list_sql
from services.query.reads.access import CLOSED_BY, LEVEL, NEWEST_RULE, access, access_values
from services.query.reads.counts import Counts, State
from services.query.reads.insights import ROWS as INSIGHT_ROWS
from services.query.reads.list_sql import PageSelect, SqlCondition
from services.query.reads.listing import DEFAULT_ORDER, Cursor, InsightFilter, PageRequest
from services.query.reads.past import CLOSED_BY_NOW
from services.query.reads.past import INSIGHTS as INSIGHTS_THEN
from services.query.reads.read_position import (
    REACHED,
    TEAM_HEAD,
    ReadPosition,
    Snapshot,
    projections,
)
from services.query.reads.recent_answers import STATE

MatchType = Literal["exact", "similar"]

# Neither part of either sum ever falls, so a sum that stands still means that both do.
_STATE_POSITION: LiteralString = (
    "coalesce((SELECT position FROM insight_positions WHERE team_id = %(team_id)s), 0)"
    f" + {NEWEST_RULE}"
)
_STATE_REBUILDS: LiteralString = (
    "(SELECT sum(rebuilds)::bigint FROM checkpoints WHERE projection IN ('insights', 'catalog'))"
)


class InsightListRow(msgspec.Struct, frozen=True):
    """joined: its joined columns. access: what the caller may do with it.

    match: how it was found, when something was searched.
    """

    row: InsightRow
    joined: JoinedColumns
    access: Access
    match: MatchType | None


class InsightListPage(msgspec.Struct, frozen=True):
    """count: of all pages together. more: whether some come after these.

    end: where the next page begins, if an order can say so.
    """

    rows: tuple[InsightListRow, ...]
    count: int
    more: bool
    end: Cursor | None


class InsightList:
    def __init__(self, pool: Pool, counts: Counts) -> None:
        self._pool = pool
        self._counts = counts

    async def page(
        self,
        caller: Caller,
        wanted: InsightFilter,
        page: PageRequest[Cursor],
        as_of: int | None = None,
    ) -> Snapshot[InsightListPage]:
        """Insights in sight. A page past the end is empty.

        as_of: the position at which they were so.
        """
        condition = list_sql.condition(wanted, caller)
        sorting = list_sql.sorting(wanted, wanted.order or DEFAULT_ORDER)
        counted = (condition.whole, repr(condition.values), as_of)
        known = self._counts.get(counted)
        async with self._pool.connection() as conn:
            # Not prepared: a plan for any limit and any search is a bad plan for most.
            cursor = await conn.execute(
                _statement(
                    condition,
                    list_sql.picked(condition, sorting, page.after),
                    past=as_of is not None,
                ),
                condition.values
                | access_values(caller)
                | {
                    "limit": page.looked_for,
                    "offset": page.skipped,
                    "cursor": page.after.value if page.after else None,
                    "cursor_id": page.after.insight_id if page.after else None,
                    "settings": caller.project.settings,
                    "as_of": as_of,
                    "projections": projections(
                        INSIGHTS, LAST_VIEWED, CATALOG, *(() if as_of is None else (HISTORY,))
                    ),
                    "known_position": known[0].position if known else -1,
                    "known_rebuilds": known[0].rebuilds if known else -1,
                },
                prepare=False,
            )
            rows = await cursor.fetchall()
        reached, head, standing, position, rebuilds, count = rows[0][:6]
        if count is None:
            count = known[1] if known else 0
        else:
            self._counts.put(counted, State(position, rebuilds), count)
        found = [row[6:] for row in rows if row[6] is not None]
        listed, more = found[: page.limit], len(found) > page.limit
        return Snapshot(
            InsightListPage(
                rows=tuple(_listed(row, wanted) for row in listed),
                count=count,
                more=more,
                end=_end(listed[-1], wanted) if more else None,
            ),
            ReadPosition(reached or 0, head, standing),
        )


def _statement(condition: SqlCondition, picked: PageSelect, *, past: bool) -> LiteralString:
    """One row per insight, each beginning with the six values of the whole; one row when empty."""
    before: LiteralString = f"{INSIGHTS_THEN}," if past else ""
    restricted: LiteralString = CLOSED_BY_NOW if past else CLOSED_BY
    value: LiteralString = picked.keys[0] if picked.keys else "NULL"
    return f"""
        WITH {before} picked AS ({picked.text}),
        shown AS (
            SELECT picked.*, i.row::text AS row, {COLUMNS}, {LEVEL} AS level,
                {restricted} AS closed_by
            FROM picked
            JOIN insights i ON i.team_id = %(team_id)s AND i.insight_id = picked.insight_id
            {JOINS}
        ),
        state AS (SELECT {_STATE_POSITION} AS position, {_STATE_REBUILDS} AS rebuilds,
            {STATE} AS whole)
        SELECT {REACHED}, {TEAM_HEAD}, state.whole, state.position, state.rebuilds,
            CASE WHEN state.position = %(known_position)s AND state.rebuilds = %(known_rebuilds)s
            THEN NULL ELSE (SELECT count(*) FROM insights i WHERE {condition.counted}) END,
            shown.insight_id, shown.row, {NAMES}, shown.level, shown.closed_by,
            shown.match, {value}
        FROM state LEFT JOIN shown ON true
        ORDER BY {picked.order}"""


def _listed(row: Sequence[Any], wanted: InsightFilter) -> InsightListRow:
    _, text, *columns, level, closed_by, match, _ = row
    how: MatchType | None = None
    if wanted.search is not None:
        how = "similar" if match == list_sql.SIMILAR else "exact"
    return InsightListRow(
        INSIGHT_ROWS.decode(text), joined_columns(*columns), access(level, closed_by), how
    )


def _end(last: Sequence[Any], wanted: InsightFilter) -> Cursor | None:
    """None where closeness to a search is the order."""
    if wanted.search is not None and wanted.order is None:
        return None
    insight_id, *_, value = last
    return Cursor(wanted.order or DEFAULT_ORDER, value, insight_id)
