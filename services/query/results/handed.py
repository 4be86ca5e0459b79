"""Plans handed from a request to the job that it started, so that one read plans once."""

from uuid import UUID

from services.query.results.computation import PreparedComputation

MOST = 64
"""Of more jobs at once, the oldest are planned again where they run."""


class HandedPlans:
    """By job, of the jobs that this process has started and none of its runners has claimed.

    A job that another process runs is planned there; its plan here is dropped in time.
    """

    def __init__(self) -> None:
        self._plans: dict[UUID, PreparedComputation] = {}

    def give(self, job_id: UUID, prepared: PreparedComputation) -> None:
        self._plans[job_id] = prepared
        while len(self._plans) > MOST:
            del self._plans[next(iter(self._plans))]

    def take(self, job_id: UUID) -> PreparedComputation | None:
        """None: no request of this process has planned it."""
        return self._plans.pop(job_id, None)
