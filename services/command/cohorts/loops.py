"""No cohort is made of itself, however long the way round: looked up in the log, and held."""

from msgspec import UNSET

from contracts.events.cohort import CohortEvent
from contracts.events.streams import Stream, cohort_stream
from contracts.queries.cohorts import IN_A_LOOP, definition, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.cohort import CohortRow
from domain.cohort.commands import CreateCohort, EditCohort
from domain.cohort.view import view
from services.command.handle import PreparedWrite, Write
from services.common.http.problems import invalid
from services.common.log.store import AppendPart, EventStore, Pasts


def without_loops(
    store: EventStore, own: Stream[CohortEvent], command: CreateCohort | EditCohort
) -> Write[CreateCohort | EditCohort, CohortEvent]:
    """A write of one cohort, refused when a cohort that it is made of is made of it.

    All cohorts on the way, deleted ones too, are held until the append: two writes that close a
    loop together find each other. One round trip for each step of the way.
    """

    async def prepare(_: Pasts) -> PreparedWrite[CreateCohort | EditCohort, CohortEvent]:
        if command.filters is UNSET:
            return PreparedWrite(command)
        passed: dict[int, AppendPart] = {}
        ahead = set(named_cohorts(definition(command.filters)))
        while ahead:
            if own.number in ahead:
                raise invalid("filters", "invalid_input", IN_A_LOOP)
            streams = [cohort_stream(own.team_id, number) for number in sorted(ahead)]
            ahead = set()
            pasts = await store.load_all(streams)
            for stream in streams:
                passed[stream.number] = AppendPart(stream, len(pasts[stream]), ())
                ahead.update(_made_of(view(pasts[stream])))
            ahead -= passed.keys()
        return PreparedWrite(command, lambda _: list(passed.values()))

    return Write(own, prepare)


def _made_of(row: CohortRow | None) -> tuple[int, ...]:
    try:
        return () if row is None else named_cohorts(definition(row.filters))
    except InvalidQuery:
        # Stored under rules that are gone: a query of it is refused.
        return ()
