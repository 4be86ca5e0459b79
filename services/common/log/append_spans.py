"""The spans of one transaction's appends: each in the trace of its request.

The first of them is the transaction's own: it links to the requests of all the appends that it
commits together, and the others' spans link to it.
"""

import time
from collections.abc import Sequence

from msgspec import Struct

from services.common import tracing
from services.common.log.appends import AppendedFacts
from services.common.log.judging import Outcome, PreparedAppend
from services.common.tracing import Place, Span


class WaitingAppend(Struct, frozen=True):
    """request: the span of the request that appends, where it is traced. since: monotonic."""

    prepared: PreparedAppend
    request: Place | None
    since: float


class _TracedAppend(Struct, frozen=True):
    waiting: WaitingAppend
    place: Place
    appended: AppendedFacts


def tell(batch: Sequence[WaitingAppend], outcomes: Sequence[Outcome]) -> None:
    """Once they are committed."""
    if not tracing.is_on():
        return
    traced = list(_traced(batch, outcomes))
    if not traced:
        return
    requests = [waiting.request for waiting in batch if waiting.request is not None]
    first = traced[0]
    _tell(first, len(batch), [each for each in requests if each != first.waiting.request])
    for other in traced[1:]:
        _tell(other, len(batch), [first.place])


def _traced(
    batch: Sequence[WaitingAppend], outcomes: Sequence[Outcome]
) -> "Sequence[_TracedAppend]":
    found = []
    for waiting, outcome in zip(batch, outcomes, strict=True):
        prepared = waiting.prepared
        place = tracing.append_place(prepared.correlation_id, prepared.operation_id)
        if place is not None and isinstance(outcome, AppendedFacts):
            found.append(_TracedAppend(waiting, place, outcome))
    return found


def _tell(traced: _TracedAppend, together: int, links: Sequence[Place]) -> None:
    waiting, ended = traced.waiting, time.time_ns()
    tracing.tell(
        Span(
            name="append",
            kind="internal",
            place=traced.place,
            parent=waiting.request,
            began=ended - int((time.monotonic() - waiting.since) * 1e9),
            ended=ended,
            attributes={
                "recount.position": traced.appended.position,
                "recount.project": waiting.prepared.team_id,
                "recount.facts": len(traced.appended.recorded),
                "recount.batch": together,
            },
            links=links,
        )
    )
