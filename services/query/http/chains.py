"""Parameters of whoever reads a chain of facts entry by entry."""

from contracts.references import insight_reference
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest
from services.common.log.entries import head
from services.common.postgres.database import Pool
from services.query.http import parameters
from services.query.reads.all import Reads
from services.query.reads.read_position import ReadPosition, Snapshot
from services.query.streams.pull import MOST_EVENTS

DEFAULT_LIMIT = 100
MOST_SECONDS = 30.0


async def reached(request: AnyRequest, reads: Reads, pool: Pool) -> None:
    """Waits for the position that the caller has seen. Raises Rejected 503 if it does not come."""
    at_least = parameters.at_least(request)
    if at_least is None:
        return

    async def look() -> Snapshot[None]:
        return Snapshot(None, ReadPosition(reached=await head(pool), wanted=0))

    await reads.freshness.of(look, at_least)


async def insight(request: AnyRequest, reads: Reads, team_id: int, name: str) -> int | None:
    """The number of the insight that the parameter names, by it or by short id; None: it is not
    there.
    """
    sent = parameters.text(request, name)
    if not sent:
        return None
    reference = insight_reference(sent)
    if reference is not None and reference.short_id is not None:
        number = await reads.insights.number(team_id, reference.short_id)
    else:
        number = None if reference is None else reference.number
    if number is None:
        raise invalid(name, "invalid_input", "No insight has this number or short id.")
    return number


def limit(request: AnyRequest) -> int:
    sent = parameters.text(request, "limit")
    if sent is None:
        return DEFAULT_LIMIT
    if not sent.isascii() or not sent.isdecimal() or not int(sent[:20]):
        raise invalid("limit", "invalid_input", "A number from 1 on.")
    return min(int(sent[:20]), MOST_EVENTS)


def wait(request: AnyRequest) -> float:
    """Seconds."""
    sent = parameters.text(request, "wait")
    try:
        seconds = float(sent or 0)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise invalid("wait", "invalid_input", "Seconds, from 0 to 30.")
    return min(seconds, MOST_SECONDS)
