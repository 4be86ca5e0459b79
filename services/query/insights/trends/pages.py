"""Pages of a breakdown at `insights/trend/`: beyond the first, the values that Other stands for.

The order of the values does not hang on the limit (trends.md section 8). So a page is a part of the
rows of the same query with a limit that reaches to the page's end.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from contracts.queries.errors import invalid_input
from contracts.queries.trends import TrendsBreakdownFilter, TrendsQuery
from services.query.insights.trends.breakdowns import DEFAULT_LIMIT, MOST_ROWS, default_limit
from services.query.insights.trends.plan import OTHER

Rows = list[dict[str, Any]]


class Page(msgspec.Struct, frozen=True):
    """offset: the number of values before it, of each series and side. limit: of those on it."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT

    @property
    def end(self) -> int:
        return self.offset + self.limit


def page_of(query: TrendsQuery, offset: int) -> Page:
    """Raises InvalidQuery for an offset below 0."""
    if offset < 0:
        raise invalid_input("offset", "The offset cannot be negative.")
    sent = _sent(query).breakdown_limit
    return Page(offset, default_limit(query.trends.display) if sent is None else sent)


def widened(query: TrendsQuery, page: Page) -> TrendsQuery:
    """The query whose rows the page is a part of, and one more, which tells whether it ends there.

    The first page is the query's own answer.
    """
    if not page.offset:
        return query
    breakdown = msgspec.structs.replace(
        _sent(query),
        breakdown_limit=min(page.end + 1, MOST_ROWS),
        breakdown_hide_other_aggregation=True,
    )
    return msgspec.structs.replace(query, breakdownFilter=breakdown)


def cut(query: TrendsQuery, rows: Rows, page: Page) -> tuple[Rows, int | None]:
    """The rows of the page, of an answer to the widened query; and the next one's offset, if any.

    Only values of properties have further pages: formulas, cohorts and whole series stand on the
    first one.
    """
    if not _is_by_property(query):
        return ([] if page.offset else rows), None
    shown: Rows = []
    more = False
    for of_side in _sides(rows):
        values = [row for row in of_side if not _is_other(row)]
        if page.offset:
            shown += values[page.offset : page.end]
            more = more or len(values) > page.end
        else:
            # Where Other is hidden, a full page may be the last one.
            shown += of_side
            is_full = len(values) == page.limit and _sent(query).breakdown_hide_other_aggregation
            more = more or is_full or len(values) < len(of_side)
    return shown, page.end if more and page.end < MOST_ROWS else None


def _sent(query: TrendsQuery) -> TrendsBreakdownFilter:
    return query.breakdownFilter or TrendsBreakdownFilter()


def _is_by_property(query: TrendsQuery) -> bool:
    shown, sent = query.trends, _sent(query)
    has_formula = bool(shown.formulaNodes or shown.formulas or shown.formula)
    by_cohort = sent.breakdown_type == "cohort" and not sent.breakdowns
    return bool(sent.breakdowns or sent.breakdown) and not (has_formula or by_cohort)


def _sides(rows: Rows) -> Iterator[Rows]:
    """The rows of each series and side, which stand together."""
    for _, of_side in groupby(rows, lambda row: (row.get("order"), row.get("compare_label"))):
        yield list(of_side)


def _is_other(row: dict[str, Any]) -> bool:
    value = row.get("breakdown_value")
    return OTHER in (value if isinstance(value, list) else [value])
