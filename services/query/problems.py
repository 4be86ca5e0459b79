"""The refusals of the query service."""

from services.common.http.problems import Problem, Refusals, Rejected

PARKED_RETRY_SECONDS = 60

REFUSALS: Refusals = {}


def parked(position: int) -> Rejected:
    """503: a fact of the stream can't be applied, so what is stored of it may be out of date."""
    return Rejected(
        503,
        Problem(
            type="server_error",
            code="unavailable",
            detail=f"The history can't be followed beyond position {position}.",
        ),
        headers={"Retry-After": str(PARKED_RETRY_SECONDS)},
        more={"position": position},
    )
