"""The read models as they were: statements of the present over the rows of the history.

Each of these goes before a statement as `WITH …` and takes the name of the table that the statement
reads. What is of today in any case, levels and restrictions, has a name that ends in `_now`.
"""

from typing import LiteralString

from services.common.insights.caller_columns import ONE
from services.query.reads.access import closed_by

AT: LiteralString = "int8range(v.position, v.until) @> %(as_of)s::bigint"
"""Whether a version `v` was there at the moment."""

ONE_AT: LiteralString = "v.position <= %(as_of)s ORDER BY v.position DESC LIMIT 1"
"""The version `v` of one stream at the moment: cheaper than AT, however many it has."""

RESTRICTING: LiteralString = "dashboards_now AS NOT MATERIALIZED (SELECT * FROM dashboards)"

INSIGHTS: LiteralString = f"""
    {RESTRICTING},
    insights AS NOT MATERIALIZED (
        SELECT v.*, now.dashboards AS dashboards_now FROM insight_versions v
        LEFT JOIN insights now ON now.team_id = v.team_id AND now.insight_id = v.insight_id
        WHERE v.team_id = %(team_id)s AND {AT}
    )"""

CLOSED_BY_NOW: LiteralString = closed_by(ONE, on="i.dashboards_now", dashboards="dashboards_now")
"""CLOSED_BY, for statements over `insights` as they were: by the dashboards of today."""

RESTRICTION_NOW: LiteralString = """(
    SELECT now.restriction_level FROM dashboards_now now
    WHERE now.team_id = d.team_id AND now.dashboard_id = d.dashboard_id
)"""
"""Of a dashboard `d` as it was."""

DASHBOARDS: LiteralString = f"""
    dashboards AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS dashboard_id, v.stream_id, v.name_key,
            (v.row->>'pinned')::boolean AS pinned, v.deleted, v.version, v.row
        FROM versions v WHERE v.team_id = %(team_id)s AND v.kind = 'dashboard' AND {AT}
    )"""
"""After INSIGHTS, which names the dashboards of today."""

ONE_DASHBOARD: LiteralString = f"""
    dashboards AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS dashboard_id, v.stream_id, v.name_key,
            (v.row->>'pinned')::boolean AS pinned, false AS deleted, v.version, v.row
        FROM versions v WHERE v.stream_id = %(stream_id)s AND {ONE_AT}
    )"""
"""The same of one, which shows although it is deleted."""


def catalog(table: LiteralString, number: LiteralString, kind: LiteralString) -> LiteralString:
    """Of actions or cohorts. number: the name of its column."""
    return f"""
    {table} AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS {number}, v.stream_id, v.name_key, v.deleted, v.row
        FROM versions v WHERE v.team_id = %(team_id)s AND v.kind = '{kind}' AND {AT}
    )"""


def one_of_catalog(table: LiteralString, number: LiteralString) -> LiteralString:
    """The same of one, which shows although it is deleted."""
    return f"""
    {table} AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS {number}, v.stream_id, v.name_key, false AS deleted, v.row
        FROM versions v WHERE v.stream_id = %(stream_id)s AND {ONE_AT}
    )"""


ONE_INSIGHT: LiteralString = f"""
    {RESTRICTING},
    insights AS NOT MATERIALIZED (
        SELECT v.team_id, v.insight_id, v.stream_id, v.short_id, v.created_by, v.row,
            v.dashboards, false AS deleted, now.dashboards AS dashboards_now
        FROM insight_versions v
        LEFT JOIN insights now ON now.team_id = v.team_id AND now.insight_id = v.insight_id
        WHERE v.stream_id = %(insight_stream)s AND {ONE_AT}
    )"""
"""One insight, which shows although it is deleted."""

SHARING: LiteralString = f"""
    sharing_now AS NOT MATERIALIZED (SELECT * FROM sharing),
    sharing AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS insight_id, v.stream_id, v.version, v.row,
            (SELECT now.row->>'token_id' FROM sharing_now now WHERE now.stream_id = v.stream_id)
                AS token_now
        FROM versions v WHERE v.stream_id = %(sharing_stream)s AND {ONE_AT}
    )"""

ACCESS: LiteralString = f"""
    access AS NOT MATERIALIZED (
        SELECT v.team_id, v.number AS insight_id, v.stream_id, v.row
        FROM versions v WHERE v.stream_id = ANY(%(access_streams)s) AND {AT}
    )"""
