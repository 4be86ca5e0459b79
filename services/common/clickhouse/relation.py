"""SELECTs as values that know their columns, printed as one WITH chain.

    events = table("events AS e").where("e.team_id = 1")
    happened = events.only(actor="e.person_id", t="e.timestamp").named("happened")
    first = happened.group("actor", since="min(t)").named("first")
    statement(first.where("since > 0"), bindings)

    WITH
      happened AS (
        SELECT e.person_id AS actor, e.timestamp AS t
        FROM events AS e
        WHERE e.team_id = 1
      ),
      first AS (
        SELECT actor, min(t) AS since
        FROM happened
        GROUP BY actor
      )
    SELECT *
    FROM first
    WHERE since > 0

Expressions are text over the columns of the relation that they extend. A relation without a name is
printed where it is read, in brackets.

ClickHouse does not remember what a part came to: it puts the part's SELECT in the place of each
mention, and computes it there. So a part that is mentioned more than once has to say so (`named`).
"""

from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import TypeAlias, Union

import msgspec

from services.common.clickhouse.statement import Bindings, Statement

_WIDTH = 100
"""Up to so many characters a clause stands in one line."""

Piece: TypeAlias = Union[str, "Relation"]
"""Text; or a relation, in whose place stand a part's name or a SELECT in brackets."""


class UnknownColumn(ValueError):
    """A relation does not have the column."""


class KnownColumn(ValueError):
    """A relation was given a column that it has already."""


class MentionedAgain(ValueError):
    """A part is mentioned, and so computed, more often than its name says."""


class Relation(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A SELECT. Each operation gives another one, which reads from this or goes on with it.

    columns: in order. source: what stands after FROM. tests: of the rows, any OR in brackets.
    selected: the text of the columns; None: all of the source's, as they are. clauses: what follows
    the tests. members: of a union, which has nothing else.
    """

    columns: tuple[str, ...]
    source: tuple[Piece, ...] = ()
    tests: tuple[tuple[Piece, ...], ...] = ()
    selected: tuple[str, ...] | None = None
    clauses: tuple[str, ...] = ()
    is_grouped: bool = False
    members: tuple["Relation", ...] = ()
    name: str | None = None
    mentions: int = 1

    def named(self, name: str, *, mentions: int = 1) -> "Relation":
        """The same as a part of its own. mentions: how often it may be computed."""
        return msgspec.structs.replace(self, name=name, mentions=mentions)

    def add(self, **more: str) -> "Relation":
        """All columns and more."""
        if again := [column for column in more if column in self.columns]:
            raise KnownColumn(f"{self._called} has {', '.join(again)} already")
        return self._select((*self.columns, *more), ("*", *_as(more)), more)

    def only(self, *keep: str, **more: str) -> "Relation":
        """These columns, and new ones, which may be called like those that are left out."""
        return self._select((*self._known(keep), *more), (*keep, *_as(more)), more)

    def change(self, **columns: str) -> "Relation":
        """The same columns, some with other values."""
        self._known(columns)
        values = _lines(_as(columns), ",") if len(columns) > 1 else _as(columns)[0]
        return self._select(self.columns, (f"* REPLACE ({values})",), columns)

    def without(self, *columns: str) -> "Relation":
        return self.swap(*columns)

    def swap(self, *columns: str, **more: str) -> "Relation":
        """More columns instead of these, which they are made of."""
        self._known(columns)
        kept = tuple(column for column in self.columns if column not in columns)
        selected = (f"* EXCEPT ({', '.join(columns)})", *_as(more))
        return self._select((*kept, *more), selected, more)

    def where(self, *condition: Piece) -> "Relation":
        """The rows that meet it. Relations among its pieces: a set, or a single value."""
        asked = self._unselected()
        return msgspec.structs.replace(asked, tests=(*asked.tests, condition))

    def having(self, test: str) -> "Relation":
        """The rows that meet it, by columns that were made last; none of them from a window."""
        if self.name is not None or self.selected is None:
            raise ValueError(f"{self._called} has made no columns")
        if self.is_grouped:
            return msgspec.structs.replace(self, clauses=(*self.clauses, f"HAVING {test}"))
        return msgspec.structs.replace(self, tests=(*self.tests, (test,)))

    def group(self, *by: str, **aggregates: str) -> "Relation":
        """A row for each of the values of these columns; of none, one row for everything."""
        columns = (*self._known(by), *aggregates)
        grouped = self._select(columns, (*by, *_as(aggregates)), aggregates)
        clauses = (f"GROUP BY {', '.join(by)}",) if by else ()
        return msgspec.structs.replace(grouped, clauses=clauses, is_grouped=True)

    def each(self, **arrays: str) -> "Relation":
        """A row for each element of an array, beside all columns."""
        source = (self, f"\nARRAY JOIN {', '.join(_as(arrays))}")
        return Relation(columns=(*self.columns, *arrays), source=source)

    def in_order(self, *columns: str) -> "Relation":
        """The same columns, each of which it names, in this order."""
        self._known(columns)
        texts = dict(zip(self.columns, self.selected or (), strict=True))
        selected = tuple(texts[column] for column in columns)
        return msgspec.structs.replace(self, columns=columns, selected=selected)

    def order(self, *by: str, limit: str = "") -> "Relation":
        """The rows in order. limit: what stands after LIMIT."""
        asked = self if self.name is None and not self.members else _all_of(self)
        clauses = [f"ORDER BY {', '.join(by)}", *([f"LIMIT {limit}"] if limit else [])]
        return msgspec.structs.replace(asked, clauses=(*asked.clauses, *clauses))

    def _known(self, columns: Iterable[str]) -> tuple[str, ...]:
        unknown = [column for column in columns if column not in self.columns]
        if unknown:
            raise UnknownColumn(
                f"{self._called} has no {', '.join(unknown)}; it has {', '.join(self.columns)}"
            )
        return tuple(columns)

    @property
    def _called(self) -> str:
        return self.name or "a relation"

    def _unselected(self) -> "Relation":
        """Itself while it has not chosen any columns; else a SELECT of all that it has."""
        chosen = self.name or self.members or self.clauses or self.selected is not None
        return _all_of(self) if chosen else self

    def _select(
        self, columns: tuple[str, ...], selected: tuple[str, ...], new: Mapping[str, str]
    ) -> "Relation":
        asked = self._unselected()
        hidden = [name for name, text in new.items() if name in asked.columns and name != text]
        if asked.tests and hidden:
            # A test would mean the new column of this name.
            asked = _all_of(asked)
        return msgspec.structs.replace(asked, columns=columns, selected=selected)


def table(text: str, *columns: str) -> Relation:
    """text: what stands after FROM. columns: those that are called by their names alone."""
    return Relation(columns=columns, source=(text,))


def union(first: Relation, *others: Relation) -> Relation:
    """The rows of all of them, with the columns of the first, which the others have too."""
    members = tuple(
        one if one.columns == first.columns and one.name is None else one.only(*first.columns)
        for one in (first, *others)
    )
    return Relation(columns=first.columns, members=members)


def join(how: str, on: str, **sides: Relation) -> Relation:
    """Two relations beside each other under these names. how: INNER JOIN, say.

    Its columns are called `name.column`.
    """
    (left, one), (right, other) = sides.items()
    return Relation(
        columns=tuple(
            f"{name}.{column}" for name, side in sides.items() for column in side.columns
        ),
        source=(one, f" AS {left}\n{how} ", other, f" AS {right} ON {on}"),
    )


def statement(relation: Relation, bindings: Bindings) -> Statement:
    return Statement(printed(relation), bindings.values)


def printed(relation: Relation) -> str:
    """The SELECT, after the parts that it mentions, each once and after those that it mentions."""
    printing = _Printing()
    select = printing.select(relation)
    if not printing.parts:
        return select
    return "\n".join(("WITH", indent(",\n".join(printing.parts), _STEP), select))


_STEP = "  "


class _Printing:
    """parts: in their order. The names of parts that are called the same are numbered."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._names: dict[int, str] = {}
        self._mentions: dict[int, int] = {}

    def select(self, relation: Relation) -> str:
        if relation.members:
            return "\nUNION ALL\n".join(self.select(member) for member in relation.members)
        lines = [
            _clause("SELECT ", relation.selected or ("*",), ","),
            f"FROM {self._text(relation.source)}",
        ]
        if relation.tests:
            tests = [self._test(test) for test in relation.tests]
            lines.append(_clause("WHERE ", tests, " AND"))
        return "\n".join([*lines, *relation.clauses])

    def _text(self, pieces: Iterable[Piece]) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._mention(piece) for piece in pieces
        )

    def _test(self, pieces: Iterable[Piece]) -> str:
        # By its name alone, the engine would take a part for a column of that name, a later part's.
        return self._text(
            piece if isinstance(piece, str) or piece.name is None else _all_of(piece)
            for piece in pieces
        )

    def _mention(self, relation: Relation) -> str:
        if relation.name is None:
            return f"(\n{indent(self.select(relation), _STEP)}\n)"
        key = id(relation)
        self._mentions[key] = self._mentions.get(key, 0) + 1
        if self._mentions[key] > relation.mentions:
            raise MentionedAgain(
                f"{relation.name} is computed at each mention: {self._mentions[key]}"
            )
        if key not in self._names:
            select = indent(self.select(relation), _STEP)
            name = self._names[key] = self._numbered(relation.name)
            again = f"{_STEP}-- computed at each mention\n" if relation.mentions > 1 else ""
            self.parts.append(f"{name} AS (\n{again}{select}\n)")
        return self._names[key]

    def _numbered(self, name: str) -> str:
        taken = set(self._names.values())
        numbers = range(2, len(taken) + 3)
        return next(n for n in (name, *(f"{name}_{k}" for k in numbers)) if n not in taken)


def _all_of(relation: Relation) -> Relation:
    return Relation(columns=relation.columns, source=(relation,))


def _as(columns: Mapping[str, str]) -> list[str]:
    return [name if name == text else f"{text} AS {name}" for name, text in columns.items()]


def _clause(word: str, parts: Iterable[str], between: str) -> str:
    """In one line if it is short, else a line for each part."""
    parts = list(parts)
    line = f"{word}{f'{between} '.join(parts)}"
    if len(parts) == 1 or len(line) <= _WIDTH:
        return line
    return f"{word.rstrip()}{_lines(parts, between).rstrip()}"


def _lines(parts: Iterable[str], between: str) -> str:
    lines = indent(f"{between}\n".join(parts), _STEP)
    return f"\n{lines}\n"
