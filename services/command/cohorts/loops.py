"""No cohort is made of itself, however long the way round: looked up in the log, and held."""

from typing import cast

from msgspec import UNSET

from contracts.events.cohort import CohortEvent
from contracts.events.recorded import Recorded, Stream, StreamKind
from contracts.queries.cohorts import IN_A_LOOP, definition, named_cohorts
from contracts.queries.errors import InvalidQuery
from contracts.read_models.cohort import CohortRow
from domain.cohort.commands import CreateCohort, EditCohort
from domain.cohort.view import view
from services.command.handle import Attempt, Pasts, Prepare
from services.common.http.problems import invalid
from services.common.log.store import EventStore, Part


def cohort_stream(team_id: int, number: int) -> Stream:
    return Stream(StreamKind.COHORT, team_id, number)


def without_loops(
    store: EventStore, own: Stream, command: CreateCohort | EditCohort
) -> Prepare[CreateCohort | EditCohort, CohortEvent]:
    """Readies a write of one cohort, unless what it shall be made of is made of it.

    All cohorts on the way, deleted ones too, are held until the append: two writes that close a
    loop together find each other. One round trip for each step of the way.
    """

    async def prepare(_: Pasts) -> Attempt[CreateCohort | EditCohort, CohortEvent]:
        if command.filters is UNSET:
            return Attempt(command)
        passed: dict[int, Part] = {}
        ahead = set(named_cohorts(definition(command.filters)))
        while ahead:
            if own.number in ahead:
                raise invalid("filters", "invalid_input", IN_A_LOOP)
            streams = [cohort_stream(own.team_id, number) for number in sorted(ahead)]
            ahead = set()
            for stream, past in (await store.load_all(streams)).items():
                passed[stream.number] = Part(stream, len(past), ())
                ahead.update(_made_of(view(cast("list[Recorded[CohortEvent]]", past))))
            ahead -= passed.keys()
        return Attempt(command, lambda _: list(passed.values()))

    return prepare


def _made_of(row: CohortRow | None) -> tuple[int, ...]:
    try:
        return () if row is None else named_cohorts(definition(row.filters))
    except InvalidQuery:
        # Stored under rules that are gone: whoever queries it is told.
        return ()
