"""An insight's definition for people: in words where it was computed, and as the document."""

from collections.abc import Mapping
from difflib import SequenceMatcher
from uuid import UUID

import msgspec

from contracts.api.insights import ResultFields, UserBody
from contracts.json import is_null
from contracts.read_models.insight import InsightRow
from services.common.insights.context import shown_query
from services.common.pages.names import Moment, doer, moment, title_of
from services.query.insights.charts import Chart
from services.query.insights.stored_insights import chart_of
from services.query.pages.cards import kind_in_words
from services.query.reads.versions import FoundVersion
from services.query.shared.nothing import why_nothing
from services.query.shared.pages import kind_of_chart


class Line(msgspec.Struct, frozen=True):
    """One of a document. differs: the other side has none like it in its place."""

    text: str
    differs: bool


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """An insight as it stood at a version: its result, drawn, and its definition."""

    title: str
    description: str | None
    kind: str
    chart: Chart | None
    chart_kind: str | None
    nothing: str | None
    words: str | None
    lines: tuple[Line, ...]


def side(row: InsightRow, fields: ResultFields) -> Side:
    chart = chart_of(row, fields.result)
    return Side(
        title=title_of(row),
        description=row.description,
        kind=kind_in_words(row),
        chart=chart,
        chart_kind=kind_of_chart(chart),
        nothing=None if chart is not None else why_nothing(row),
        words=fields.hogql,
        lines=tuple(Line(text, differs=False) for text in _document(row).splitlines()),
    )


def marked(left: Side, right: Side) -> tuple[Side, Side]:
    """Both, with the lines marked in which their documents differ."""
    before, after = ([line.text for line in each.lines] for each in (left, right))
    differ: tuple[set[int], set[int]] = (set(), set())
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            differ[0].update(range(a, b))
            differ[1].update(range(c, d))
    first, second = (
        msgspec.structs.replace(
            each, lines=tuple(Line(line.text, at in found) for at, line in enumerate(each.lines))
        )
        for each, found in zip((left, right), differ, strict=True)
    )
    return first, second


class VersionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A version in the list: what its operation did, in sentences. before: the version it found.

    deleted: what it left was out of sight.
    """

    number: int
    before: int | None
    operation: UUID
    deleted: bool
    at: Moment
    by: str
    trigger: str | None
    sentences: tuple[str, ...]


def version_line(
    found: FoundVersion,
    sentences: tuple[str, ...],
    users: Mapping[int, UserBody],
    timezone: str,
) -> VersionLine:
    entry = found.entry
    return VersionLine(
        number=entry.version,
        before=None if found.before is None else found.before.version,
        operation=entry.operation_id,
        deleted=isinstance(found.row, InsightRow) and found.row.deleted,
        at=moment(entry.at, timezone),
        by=doer(entry.user_id, users),
        trigger=None if found.trigger is None else found.trigger.job_type,
        sentences=sentences,
    )


def _document(row: InsightRow) -> str:
    converted = shown_query(row)
    document = row.query if is_null(converted) else converted
    return msgspec.json.format(row.filters if is_null(document) else document, indent=2).decode()
