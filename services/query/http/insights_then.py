"""The insight of a path, deleted or not: today, and at a moment of the past."""

from contracts.events.streams import insight_stream
from contracts.read_models.insight import InsightRow
from contracts.references import InsightReference, insight_reference
from services.common.http.as_of import AS_OF
from services.common.http.caller import Caller
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.query.http import as_of
from services.query.http.as_of import LogMoment
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.insights import NOBODYS, FoundInsight


async def insight_then(
    request: AnyRequest, reads: Reads, caller: Caller, wanted: InsightReference
) -> tuple[int, LogMoment | None]:
    """The insight's number, and the moment that the request asks for, if any; without one, the
    number is not looked up. Raises Rejected 400, 404.
    """
    if AS_OF not in request.query_params:
        return NOBODYS, None
    number = await insight_number(reads, caller, wanted)
    stream = insight_stream(caller.team_id, number)
    return number, await as_of.asked(request, reads, caller.project, stream)


async def insight_number(reads: Reads, caller: Caller, wanted: InsightReference) -> int:
    """Raises Rejected 404 for a short id that nothing ever had."""
    number = wanted.number
    if wanted.short_id is not None:
        number = await reads.insights.number(caller.team_id, wanted.short_id)
    if number is None:
        raise not_found()
    return number


async def visible_insight(reads: Reads, caller: Caller, insight: str) -> int:
    """The number of an insight that the caller may see today, deleted or not.

    Raises Rejected 403, 404; 503 when its history can't be followed.
    """
    wanted = insight_reference(insight)
    if wanted is None:
        raise not_found()
    number = await insight_number(reads, caller, wanted)
    found = (await reads.freshness.of(lambda: reads.insights.one(caller, wanted), None)).value
    in_sight_then(found)
    return number


def in_sight_then(found: FoundInsight) -> InsightRow:
    """The row, of a deleted insight too. Raises Rejected: 503 when its history can't be
    followed, 404 before its creation, 403 when the caller may not see it today.
    """
    if found.parked_at is not None:
        raise parked(found.parked_at)
    if found.row is None:
        raise not_found()
    found.access.require("viewer")
    return found.row
