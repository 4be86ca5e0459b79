"""Actors behind a number, as an ActorsQuery wants them: a table of chosen columns."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Raw

from contracts.queries.actors import ActorsQuery
from contracts.queries.errors import invalid_input
from contracts.queries.nodes import Node
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.query.insights.computed import PreparedPeople, Tools
from services.query.people.page import DEFAULT_LIMIT, ActorList, ActorPage
from services.query.people.records import RecordOrder
from services.query.people.table import TableColumn, columns, rows
from services.query.results.computation import Computation, PreparedComputation

HIGHEST_LIMIT = 10_000


PeopleOf = Callable[[Tools, Project, Node | None], Awaitable[PreparedPeople]]


async def prepare(
    people_of: PeopleOf, tools: Tools, project: Project, computation: Computation[ActorsQuery]
) -> PreparedComputation:
    """people_of: finds the people of a source. Raises InvalidQuery."""
    query = computation.query
    limit, offset = bounds(query)
    found = await people_of(tools, project, query.source)
    work = ActorsWork(
        people=found.people,
        description=found.description,
        columns=columns(query.select, counted=found.counted),
        sorting=sorting(query, counted=found.counted),
        limit=limit,
        offset=offset,
    )
    return PreparedComputation(
        settings=project.settings,
        dependencies=found.dependencies,
        clock=found.clock,
        range=found.range,
        inputs=found.inputs,
        work=work,
    )


class ActorsWork(msgspec.Struct, frozen=True):
    """description: of the number. sorting: None for the kind's own order."""

    people: ActorList
    description: str
    columns: Sequence[TableColumn]
    sorting: RecordOrder | None
    limit: int
    offset: int

    async def run(self, query_id: str) -> Result:
        # One more than shown tells whether there are more.
        found = await self.people.page(
            by=self.sorting, limit=self.limit + 1, offset=self.offset, query_id=query_id
        )
        shown = ActorPage(found.rows[: self.limit])
        names = [column.sent for column in self.columns]
        return Result(
            results=_raw(rows(self.columns, shown.rows)),
            hogql=f"LIST {', '.join(names)} OF ACTORS IN\n{self.description}",
            columns=_raw(names),
            types=_raw([column.type for column in self.columns]),
            has_more=len(found.rows) > self.limit,
            extra={
                "limit": _raw(self.limit),
                "offset": _raw(self.offset),
                "missing_actors_count": _raw(shown.missing),
            },
        )


def sorting(query: ActorsQuery, *, counted: bool = False) -> RecordOrder | None:
    """None for the kind's own order: of counted people by events, of others by id.

    Raises InvalidQuery for an order that is not served.
    """
    search = (query.search or "").strip() or None
    own = "event_count DESC" if counted else "id"
    sent = query.orderBy[0].strip() if query.orderBy else own
    named, _, direction = sent.partition(" ")
    descending = direction.strip().upper() == "DESC" or named.startswith("-")
    match named.removeprefix("-"):
        case "id" | "actor" | "actor_id" | "person":
            by = RecordOrder("id", descending, search)
        case "created_at":
            by = RecordOrder("created_at", descending, search)
        case "event_count" if counted:
            by = RecordOrder("event_count", descending, search)
        case _:
            orders = "id, created_at or event_count" if counted else "id or created_at"
            raise invalid_input(
                "query__orderBy", f"Actors are ordered by {orders}, not by {sent[:100]}."
            )
    return (
        None
        if by == (RecordOrder("event_count", descending=True) if counted else RecordOrder())
        else by
    )


def bounds(query: ActorsQuery) -> tuple[int, int]:
    """limit and offset. Raises InvalidQuery."""
    limit = DEFAULT_LIMIT if query.limit is None else query.limit
    offset = query.offset or 0
    if limit < 1:
        raise invalid_input("query__limit", "The limit must be at least 1.")
    if offset < 0:
        raise invalid_input("query__offset", "The offset must not be negative.")
    return min(limit, HIGHEST_LIMIT), offset


def _raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))
