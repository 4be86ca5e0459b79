"""A job in its table, and as `query_status` shows it."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.api.jobs import JobBody
from contracts.api.times import written
from contracts.json import NULL
from services.common.http.problems import Problem

COLUMNS = """
    id, team_id, key, settings, computation, insight_id, dashboard_id, start_time, pickup_time,
    end_time, expiration_time, cancelled_by, error::text"""


class JobError(msgspec.Struct, frozen=True):
    """Why a job gave no result: the answer its callers get."""

    status: int
    problem: Problem


CANCELLED = JobError(
    400,
    Problem(type="validation_error", code="query_cancelled", detail="The query was cancelled."),
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A row of jobs. computation: JSON text of a Computation.

    settings: of its project when it was asked for, see Project.settings.
    """

    id: UUID
    team_id: int
    key: bytes
    settings: bytes
    computation: bytes
    insight_id: int | None
    dashboard_id: int | None
    start_time: datetime
    pickup_time: datetime | None
    end_time: datetime | None
    expiration_time: datetime
    cancelled_by: str | None
    error: JobError | None


def of_row(
    id_: UUID,
    team_id: int,
    key: bytes,
    settings: bytes,
    computation: bytes,
    insight_id: int | None,
    dashboard_id: int | None,
    start_time: datetime,
    pickup_time: datetime | None,
    end_time: datetime | None,
    expiration_time: datetime,
    cancelled_by: str | None,
    error: str | None,
) -> Job:
    """From COLUMNS, in their order."""
    return Job(
        id=id_,
        team_id=team_id,
        key=key,
        settings=settings,
        computation=computation,
        insight_id=insight_id,
        dashboard_id=dashboard_id,
        start_time=start_time,
        pickup_time=pickup_time,
        end_time=end_time,
        expiration_time=expiration_time,
        cancelled_by=cancelled_by,
        error=None if error is None else msgspec.json.decode(error, type=JobError),
    )


def job_body(job: Job, results: Raw = NULL) -> JobBody:
    """results: of a job that ended well, where it is polled."""
    return JobBody(
        id=job.id,
        team_id=job.team_id,
        insight_id=job.insight_id,
        dashboard_id=job.dashboard_id,
        complete=job.end_time is not None,
        error=job.error is not None,
        error_message=None if job.error is None else job.error.problem.detail,
        results=results,
        start_time=written(job.start_time),
        pickup_time=written(job.pickup_time),
        end_time=written(job.end_time),
        expiration_time=written(job.expiration_time),
        task_id=str(job.id),
    )
