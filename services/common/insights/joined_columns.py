"""Columns joined to an insight's row: the caller's last view, the kept result, the running job."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.api.insights import NO_RESULT, ResultFields
from contracts.api.jobs import JobBody
from contracts.api.times import written
from contracts.json import NULL
from services.common.insights.caller_columns import ONE
from services.common.insights.results.freshness import ResultAge
from services.common.insights.results.kept import KeptResult, Result, shown_fields


def joins(user_id: LiteralString, settings: LiteralString) -> LiteralString:
    """Over `i` with team_id, insight_id and query_key. settings: of the project, see
    Project.settings.
    """
    return f"""
    LEFT JOIN last_viewed v ON v.team_id = i.team_id AND v.user_id = {user_id}
        AND v.insight_id = i.insight_id
    LEFT JOIN results kept ON kept.team_id = i.team_id AND kept.key = i.query_key
        AND kept.settings = {settings}
    LEFT JOIN jobs j ON j.team_id = i.team_id AND j.key = i.query_key
        AND j.settings = {settings} AND j.end_time IS NULL"""


JOINS = joins(ONE.user_id, ONE.settings)

COLUMNS: LiteralString = """
    v.viewed_at, kept.body AS kept_body, kept.query_interval AS kept_interval,
    kept.last_refresh AS kept_refresh, statement_timestamp() AS read_at,
    CASE WHEN j.id IS NOT NULL THEN json_build_object(
        'id', j.id, 'team_id', j.team_id, 'insight_id', j.insight_id,
        'dashboard_id', j.dashboard_id, 'start_time', j.start_time,
        'pickup_time', j.pickup_time, 'expiration_time', j.expiration_time
    )::text END AS live_job"""

NAMES: LiteralString = "viewed_at, kept_body, kept_interval, kept_refresh, read_at, live_job"
"""The columns' names, for a statement around the one that selects them."""


class JoinedColumns(msgspec.Struct, frozen=True):
    """viewed_at: when the caller looked at it last. result: what is kept, and the job under way."""

    viewed_at: datetime | None = None
    result: ResultFields = NO_RESULT


NOT_JOINED = JoinedColumns()


class _LiveJob(msgspec.Struct, frozen=True):
    id: UUID
    team_id: int
    insight_id: int | None
    dashboard_id: int | None
    start_time: datetime
    pickup_time: datetime | None
    expiration_time: datetime


def joined_columns(
    viewed_at: datetime | None,
    body: bytes | None,
    interval: str | None,
    last_refresh: datetime | None,
    read_at: datetime,
    live_job: str | None,
) -> JoinedColumns:
    """From COLUMNS, in their order."""
    fields = NO_RESULT
    if body is not None and last_refresh is not None:
        computed = ResultAge(started_at=last_refresh, last_refresh=last_refresh, interval=interval)
        cached = KeptResult(msgspec.json.decode(body, type=Result), computed)
        fields = shown_fields(cached, read_at)
    if live_job is not None:
        fields = msgspec.structs.replace(fields, query_status=_status(live_job))
    return JoinedColumns(viewed_at, fields)


def _status(live_job: str) -> Raw:
    job = msgspec.json.decode(live_job, type=_LiveJob)
    return Raw(
        msgspec.json.encode(
            JobBody(
                id=job.id,
                team_id=job.team_id,
                insight_id=job.insight_id,
                dashboard_id=job.dashboard_id,
                complete=False,
                error=False,
                error_message=None,
                results=NULL,
                start_time=written(job.start_time),
                pickup_time=written(job.pickup_time),
                end_time=None,
                expiration_time=written(job.expiration_time),
                task_id=str(job.id),
            )
        )
    )
