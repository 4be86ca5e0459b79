"""`changes` beside days: when the actions, cohorts and filters that a query names were changed."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.api.times import written
from contracts.api.trends import ChangedBy, DefinitionChange
from contracts.events.streams import action_stream, cohort_stream, project_stream
from contracts.queries.lifecycle import LifecycleQuery
from contracts.queries.stickiness import StickinessQuery
from contracts.queries.trends import TrendsQuery
from services.common.accounts.accounts import Project
from services.common.postgres.database import Pool
from services.query.events.named import catalog, named_in
from services.query.events.periods import Span, days
from services.query.insights.additions import CHANGES
from services.query.reads.definition_changes import DefinitionChangeRow, definition_changes


async def changes(
    pool: Pool,
    project: Project,
    query: TrendsQuery | StickinessQuery | LifecycleQuery,
    spans: Sequence[Span],
    include: tuple[str, ...],
) -> Mapping[str, Raw]:
    """The member of the answer; none where it was not asked for. spans: of both sides."""
    if CHANGES not in include:
        return {}
    shown = [span for span in spans if span.periods]
    found: list[DefinitionChangeRow] = []
    names: Mapping[UUID, str] = {}
    if shown:
        names = await _named(pool, project, query)
        since = min(span.date_from for span in shown)
        until = max(span.date_to for span in shown)
        found = await definition_changes(pool, project.id, list(names), since, until)
    told = [one for row in found for one in _told(row, names[row.stream_id], shown)]
    return {"changes": Raw(msgspec.json.encode(told))}


async def _named(
    pool: Pool, project: Project, query: TrendsQuery | StickinessQuery | LifecycleQuery
) -> Mapping[UUID, str]:
    """Those that the query names, deleted ones too, and those that these are made of."""
    tested = project.test_account_filters if query.filterTestAccounts else None
    known = await catalog(pool, project.id, query, tested)
    named = list(named_in([msgspec.to_builtins(query), tested]))
    actions = {number for is_action, number in named if is_action} | known.actions.keys()
    cohorts = {number for is_action, number in named if not is_action} | known.cohorts.keys()
    found: dict[UUID, str] = {}
    for number in sorted(actions):
        action = known.actions.get(number)
        label = "" if action is None else f" '{action.name}'"
        found[action_stream(project.id, number).id] = f"action {number}{label}"
    for number in sorted(cohorts):
        label = f" '{known.cohorts[number]}'" if number in known.cohorts else ""
        found[cohort_stream(project.id, number).id] = f"cohort {number}{label}"
    if query.filterTestAccounts:
        found[project_stream(project.id).id] = "project"
    return found


def _told(row: DefinitionChangeRow, name: str, spans: Sequence[Span]) -> Iterator[DefinitionChange]:
    """Once for each side that has a point then."""
    for span in spans:
        index = bisect_right(span.periods, row.at, key=lambda period: period.start) - 1
        if index not in span.shown or row.at >= span.periods[index].end:
            continue
        day = days(msgspec.structs.replace(span, shown=(index,)))[0]
        by = None
        if row.user_id is not None:
            by = ChangedBy(row.user_id, row.first_name or "", row.email)
        yield DefinitionChange(
            day=day,
            at=written(row.at),
            what=f"{name}: {row.what.replace('_', ' ')}",
            by=by,
        )
