"""The list's conditions and orders as SQL: fixed text, and values beside it."""

from typing import LiteralString

import msgspec

from services.common.http.caller import Caller
from services.query.reads.access import VISIBLE, VISIBLE_OF_ALL
from services.query.reads.listing import Cursor, InsightFilter, Order, OrderField

COLUMNS: dict[OrderField, LiteralString] = {
    "name": "i.name_key",
    "created_at": "i.created_at",
    "created_by": "i.created_by",
    "last_modified_at": "i.last_modified_at",
    "updated_at": "i.updated_at",
    "short_id": "i.short_id",
    "id": "i.insight_id",
    "order": "i.sort_order",
    "saved": "i.saved",
    "favorited": "i.favorited",
    "deleted": "i.deleted",
}
NULLABLE: frozenset[OrderField] = frozenset({"name", "created_by", "order"})

_LIKE = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class SqlCondition(msgspec.Struct, frozen=True):
    """Of a WHERE over `insights i`. values: of its placeholders.

    in_sight: of everything in the project that a search might find. in_sight_of_all: the same, as a
    count needs it. wanted: the other conditions, but for what is searched. searched: whether
    what a search finds is wanted alone.
    """

    in_sight: LiteralString
    in_sight_of_all: LiteralString
    wanted: LiteralString
    values: dict[str, object]
    searched: bool

    @property
    def whole(self) -> LiteralString:
        """All of it, as a page needs it."""
        return self._whole(self.in_sight)

    @property
    def counted(self) -> LiteralString:
        """The same, as a count needs it."""
        return self._whole(self.in_sight_of_all)

    @property
    def exact(self) -> LiteralString:
        return f"{self.in_sight}{self.wanted} AND {_HOLDS}"

    @property
    def similar(self) -> LiteralString:
        """The rows that are similar, where none is more than that."""
        return f"{self.in_sight}{self.wanted} AND {_alike(self.in_sight)}"

    def _whole(self, in_sight: LiteralString) -> LiteralString:
        if not self.searched:
            return f"{in_sight}{self.wanted}"
        return f"{in_sight}{self.wanted} AND ({_HOLDS} OR {_alike(in_sight)})"


def _alike(in_sight: LiteralString) -> LiteralString:
    """PostHog: a search that has a hit in the project never shows look-alikes."""
    return f"({_IS_LIKE} AND NOT EXISTS (SELECT FROM insights i WHERE {in_sight} AND {_HOLDS}))"


class Sorting(msgspec.Struct, frozen=True):
    """keys: what a row is sorted by, apart from its number. directions: of each.

    newest_last: the number ascends; else it descends, so that among equals the newest is first.
    by_closeness: what holds the searched text comes before what is only similar.
    """

    keys: tuple[LiteralString, ...]
    directions: tuple[LiteralString, ...]
    newest_last: bool = False
    by_closeness: bool = False


_HOLDS: LiteralString = "(i.names_text LIKE %(like)s OR i.words_text LIKE %(like)s)"
_IS_LIKE: LiteralString = "%(search)s <%% i.names_text"

SEARCH_MATCH: LiteralString = """
    CASE WHEN i.name_key = %(search)s THEN 0
        WHEN i.names_text LIKE %(like)s THEN 1
        WHEN i.words_text LIKE %(like)s THEN 2
        ELSE 3 END"""
"""The match: its name is the text, a name holds it, another text does; or it is similar."""

SIMILAR = 3

_CLOSENESS: LiteralString = f"""
    CASE WHEN {SEARCH_MATCH} = 3 THEN -word_similarity(%(search)s, i.names_text) ELSE 0 END"""


def condition(wanted: InsightFilter, caller: Caller) -> SqlCondition:
    """The condition that the insights of a list meet: the filter's, and the caller may see them."""
    there: LiteralString = "i.team_id = %(team_id)s AND NOT i.deleted"
    in_sight = in_sight_of_all = there
    clauses: list[LiteralString] = []
    values: dict[str, object] = {"team_id": caller.team_id}

    def also(clause: LiteralString, **more: object) -> None:
        clauses.append(clause)
        values.update(more)

    if not caller.is_administrator:
        in_sight, in_sight_of_all = f"{there} AND {VISIBLE}", f"{there} AND {VISIBLE_OF_ALL}"
        values["user_id"] = caller.user.id
    if wanted.nothing:
        also("false")
    if wanted.short_id is not None:
        also("i.short_id = %(short_id)s", short_id=wanted.short_id)
    if wanted.created_by is not None:
        also("i.created_by = ANY(%(created_by)s)", created_by=list(wanted.created_by))
    if wanted.mine:
        also("i.created_by = %(user_id)s", user_id=caller.user.id)
    if wanted.saved is True:
        also("(i.saved OR i.dashboards <> '{}')")
    if wanted.saved is False:
        also("NOT i.saved")
    if wanted.favorited:
        also("i.favorited")
    if wanted.after is not None:
        also("i.last_modified_at > %(after)s", after=wanted.after)
    if wanted.before is not None:
        also("i.last_modified_at < %(before)s", before=wanted.before)
    if wanted.created_after is not None:
        also("i.created_at > %(created_after)s", created_after=wanted.created_after)
    if wanted.created_before is not None:
        also("i.created_at < %(created_before)s", created_before=wanted.created_before)
    if wanted.kind == "JSON":
        also("i.has_query AND i.kind <> 'SQL'")
    elif wanted.kind is not None:
        also("i.kind = %(kind)s", kind=wanted.kind)
    if wanted.dashboards is not None:
        also("i.dashboards @> %(dashboards)s::bigint[]", dashboards=list(wanted.dashboards))
    if wanted.tags is not None:
        also("i.tags && %(tags)s::text[]", tags=list(wanted.tags))
    if wanted.search is not None:
        values |= {"like": f"%{wanted.search.translate(_LIKE)}%", "search": wanted.search}
    return SqlCondition(
        in_sight,
        in_sight_of_all,
        wanted="".join(f" AND {clause}" for clause in clauses),
        values=values,
        searched=wanted.search is not None,
    )


def sorting(wanted: InsightFilter, order: Order) -> Sorting:
    """order: used unless something is searched and the request has no order."""
    if wanted.search is not None and wanted.order is None:
        keys: tuple[LiteralString, ...] = (SEARCH_MATCH, _CLOSENESS, "i.sort_order")
        return Sorting(keys, ("ASC", "ASC", "ASC"), by_closeness=True)
    if order.field == "id":
        return Sorting((), (), newest_last=not order.descending)
    return Sorting((COLUMNS[order.field],), ("DESC" if order.descending else "ASC",))


def order_by(sorting_: Sorting, names: tuple[LiteralString, ...] | None = None) -> LiteralString:
    """names: of the keys where the rows are there already."""
    keys = sorting_.keys if names is None else names
    parts: list[LiteralString] = [
        f"{key} {direction}" for key, direction in zip(keys, sorting_.directions, strict=True)
    ]
    number: LiteralString = "i.insight_id" if names is None else "insight_id"
    direction: LiteralString = "ASC" if sorting_.newest_last else "DESC"
    return ", ".join((*parts, f"{number} {direction}"))


def ranges(after: Cursor) -> tuple[LiteralString, ...]:
    """The conditions of what follows the cursor, each a range of one index, in their order.

    They speak of %(cursor)s and %(cursor_id)s. One condition with ORs would say the same, and make
    PostgreSQL walk through everything before the cursor.
    """
    field, descending = after.order.field, after.order.descending
    if field == "id":
        return ("i.insight_id < %(cursor_id)s" if descending else "i.insight_id > %(cursor_id)s",)
    column = COLUMNS[field]
    older: LiteralString = "i.insight_id < %(cursor_id)s"
    if after.value is None:
        level: LiteralString = f"{column} IS NULL AND {older}"
        return (level, f"{column} IS NOT NULL") if descending else (level,)
    level = f"{column} = %(cursor)s AND {older}"
    if descending:
        return (level, f"{column} < %(cursor)s")
    beyond: LiteralString = f"{column} > %(cursor)s"
    return (level, beyond, f"{column} IS NULL") if field in NULLABLE else (level, beyond)


class PageSelect(msgspec.Struct, frozen=True):
    """text: a SELECT of a page's insights as insight_id, match and the keys of their order.

    keys: what these are called. order: of the rows, by those names.
    """

    text: LiteralString
    keys: tuple[LiteralString, ...]
    order: LiteralString


def picked(condition_: SqlCondition, sorting_: Sorting, after: Cursor | None) -> PageSelect:
    """A page, by %(limit)s and %(offset)s."""
    names: tuple[LiteralString, ...] = tuple(f"key{n}" for n in range(len(sorting_.keys)))
    keys: LiteralString = "".join(
        f", {key} AS {name}" for key, name in zip(sorting_.keys, names, strict=True)
    )
    match: LiteralString = SEARCH_MATCH if condition_.searched else "NULL"
    select: LiteralString = f"SELECT i.insight_id, {match} AS match{keys} FROM insights i WHERE"
    order, order_of_rows = order_by(sorting_), order_by(sorting_, names)
    page: LiteralString = "LIMIT %(limit)s OFFSET %(offset)s"
    if after is not None:
        parts = " UNION ALL ".join(
            f"({select} {condition_.whole} AND {part} ORDER BY {order} LIMIT %(limit)s)"
            for part in ranges(after)
        )
        text: LiteralString = f"SELECT * FROM ({parts}) AS parts ORDER BY {order_of_rows} {page}"
    elif sorting_.by_closeness:
        # Similar names cost most: they are not looked for while a page is full.
        end: LiteralString = "%(limit)s::bigint + %(offset)s::bigint"
        text = f"""
            WITH exact AS MATERIALIZED (
                {select} {condition_.exact} ORDER BY {order} LIMIT {end}
            ),
            alike AS (
                {select} {condition_.similar} AND (SELECT count(*) FROM exact) < {end}
                ORDER BY {order} LIMIT {end}
            )
            SELECT * FROM (TABLE exact UNION ALL TABLE alike) AS both_kinds
            ORDER BY {order_of_rows} {page}"""
    else:
        text = f"{select} {condition_.whole} ORDER BY {order} {page}"
    return PageSelect(text, names, order_of_rows)
