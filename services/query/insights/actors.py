"""Actors behind a number, as an ActorsQuery wants them: a table of chosen columns."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from contracts.queries.errors import invalid_input
from contracts.queries.nodes import ActorsQuery
from services.common.insights.results.kept import Result
from services.query.insights.funnels.description import describe
from services.query.insights.funnels.people.page import Actors, Pointed
from services.query.insights.funnels.planner import Planned
from services.query.people.page import DEFAULT_LIMIT, Page
from services.query.people.records import Sorting
from services.query.people.table import Column, rows

HIGHEST_LIMIT = 10_000


class ActorsWork(msgspec.Struct, frozen=True):
    """sorting: None for the plain order by id, which the engine pages itself."""

    actors: Actors
    planned: Planned
    pointed: Pointed
    columns: Sequence[Column]
    sorting: Sorting | None
    limit: int
    offset: int

    async def run(self, query_id: str) -> Result:
        found = (await self._page(query_id)).rows
        shown = Page(found[: self.limit])
        names = [column.name for column in self.columns]
        return Result(
            results=_raw(rows(self.columns, shown.rows)),
            hogql=f"LIST {', '.join(names)} OF ACTORS IN\n{describe(self.planned.plan)}",
            columns=_raw(names),
            types=_raw([column.type for column in self.columns]),
            has_more=len(found) > self.limit,
            extra={
                "limit": _raw(self.limit),
                "offset": _raw(self.offset),
                "missing_actors_count": _raw(shown.missing),
            },
        )

    async def _page(self, query_id: str) -> Page:
        """One more than shown tells whether there are more."""
        limit = self.limit + 1
        if self.sorting is None:
            return await self.actors.page(
                self.planned, self.pointed, limit=limit, offset=self.offset, query_id=query_id
            )
        return await self.actors.sorted_page(
            self.planned,
            self.pointed,
            self.sorting,
            limit=limit,
            offset=self.offset,
            query_id=query_id,
        )


def sorting(query: ActorsQuery) -> Sorting | None:
    """Raises InvalidQuery for an order that is not served."""
    search = (query.search or "").strip() or None
    sent = query.orderBy[0].strip() if query.orderBy else "id"
    named, _, direction = sent.partition(" ")
    descending = direction.strip().upper() == "DESC"
    match named.removeprefix("-"):
        case "id" | "actor" | "actor_id" | "person":
            by = Sorting("id", descending or named.startswith("-"), search)
        case "created_at":
            by = Sorting("created_at", descending or named.startswith("-"), search)
        case _:
            raise invalid_input(
                "query__orderBy", f"Actors are ordered by id or created_at, not by {sent[:100]}."
            )
    return None if by == Sorting() else by


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
